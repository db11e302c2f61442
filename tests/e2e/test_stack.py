"""The main job, whole: up, chat in a browser, change, break, search for secrets, down. The tests run in this order."""

from __future__ import annotations

import re
import signal
import stat

import psutil
from e2e.browser import chat, needs_chromium
from rehearsal import Machine, Person

from chatops.azure.clients import Azure
from chatops.azure.cloud import local
from chatops.conversations import counts_in

WRITES = ("PUT", "PATCH", "DELETE")
READING_POSTS = ("/listbuildsourceuploadurl", "/listlogsasurl", "/sharedkeys", "/listsecrets", "/getauthtoken")


def test_a_second_up_changes_nothing_and_only_reads(stack: Machine) -> None:
    before = len(stack.journal())
    assert "0 changes" in stack.chatops("up").out
    calls = stack.journal()[before:]
    assert calls
    writes = [
        call
        for call in calls
        if call["method"] in WRITES or (call["method"] == "POST" and not call["path"].lower().endswith(READING_POSTS))
    ]
    assert [call for call in writes if call["plane"] == "management"] == []


def test_the_plan_after_up_is_empty_in_json_too(stack: Machine) -> None:
    plan = stack.chatops("plan", "--output", "json").objects[0]
    assert plan["changes"] == 0
    assert {step["action"] for step in plan["steps"]} == {"noop"}


def test_one_changed_field_is_one_field_in_the_plan_and_one_write(stack: Machine) -> None:
    text = stack.config.read_text()
    head, tail = text.split("  lm-api:", 1)
    stack.config.write_text(head + "  lm-api:" + tail.replace("max: 5", "max: 4", 1))

    plan = stack.chatops("plan", "--output", "json").objects[0]
    changed = [step for step in plan["steps"] if step["action"] != "noop"]
    assert [step["address"] for step in changed] == ["app/lm-api"]
    fields = [(c["path"], c["before"], c["after"]) for c in changed[0]["changes"]]
    assert fields == [("properties.template.scale.maxReplicas", 5, 4)]

    before = len(stack.journal())
    stack.chatops("up")
    writes = [call["method"] for call in stack.journal()[before:] if call["method"] in WRITES]
    assert writes == ["PATCH"]

    stack.config.write_text(text)
    stack.chatops("up")
    assert "0 changes" in stack.chatops("plan").out


def test_status_shows_what_really_runs(stack: Machine) -> None:
    status = stack.chatops("status", "--output", "json").objects[0]
    assert {app["name"] for app in status["apps"]} == {"ui", "db-api", "lm-api"}
    assert all(app["state"] == "Running" and app["ready"] >= 1 for app in status["apps"])
    assert re.fullmatch(r"PostgreSQL \d+\.\d+( \(the file asks for 16\))?, Ready", status["database"])


def test_logs_come_from_the_replicas(stack: Machine, person: Person) -> None:
    person.ask("hello")
    lines = stack.chatops("logs", "ui", "--output", "json").objects
    assert any("/messages" in line["line"] for line in lines)
    assert "there is no service 'nope'" in stack.chatops("logs", "nope", code=2).err


@needs_chromium
def test_a_person_chats_in_a_browser(stack: Machine) -> None:
    chat(stack.page())


def test_a_killed_replica_is_replaced_unseen(stack: Machine, person: Person) -> None:
    person.ask("hello")
    replicas = [p for p in stack.processes() if (p.info["environ"] or {}).get("CONTAINER_APP_NAME") == "db-api"]
    assert replicas
    for process in replicas:
        process.send_signal(signal.SIGKILL)
    assert "hello" in person.ask("hello again")


def test_a_killed_database_server_loses_no_message(stack: Machine, person: Person) -> None:
    person.ask("remember the number 4711")
    servers = [p for p in stack.processes() if p.info["name"] == "postgres" and "-D" in (p.info["cmdline"] or ())]
    assert servers
    for process in servers:
        process.send_signal(signal.SIGKILL)
    person.ask("are you still there")
    assert "remember the number 4711" in everything_said(person)


def test_a_killed_cloud_comes_back_with_up(stack: Machine, person: Person) -> None:
    person.ask("remember the word lighthouse")
    daemon = next(p for p in stack.processes() if "chatops.localcloud" in (p.info["cmdline"] or ()))
    daemon.send_signal(signal.SIGKILL)
    psutil.wait_procs([daemon], timeout=120)
    stack.chatops("up")
    person.visit(stack.page())
    person.ask("are you back")
    assert "remember the word lighthouse" in everything_said(person)


def everything_said(person: Person) -> str:
    front = person.client.get(person.page).text
    chats = re.findall(r'href="(/chats/[^"]+)"', front)
    return "\n".join(person.client.get(person.page + chat).text for chat in chats)


def test_no_secret_is_anywhere_but_in_private_files(stack: Machine, person: Person) -> None:
    person.ask("hello")
    stack.chatops("up", "--output", "json")
    stack.chatops("cloud", "env")
    secrets = secret_values(stack)
    assert len(secrets) >= 3
    printed = "\n".join(stack.printed)
    arguments = "\n".join(" ".join(process.info["cmdline"] or ()) for process in stack.processes())
    for secret in secrets:
        assert secret not in printed
        assert secret not in arguments
    for file in (path for path in stack.home.rglob("*") if path.is_file() and "cache" not in path.parts):
        content = file.read_bytes()
        if any(secret.encode() in content for secret in secrets):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, f"{file} holds a secret"
            assert "logs" not in file.parts, f"{file} is a log and holds a secret"


def secret_values(stack: Machine) -> set[str]:
    """The generated values, from where they end up (the replicas' environment), and the cloud's own client secret."""
    names = ("POSTGRES_PASSWORD", "SESSION_KEY")
    environments = [process.info["environ"] or {} for process in stack.processes()]
    found = {environ[name] for environ in environments for name in names if name in environ}
    return found | {(stack.home / "cloud" / "client-secret").read_text().strip()}


def test_down_keeps_what_is_not_the_stacks_and_names_it(stack: Machine) -> None:
    azure = Azure(local(stack.home / "cloud" / "endpoint.json"))
    azure.identities.user_assigned_identities.create_or_update("chat-rg", "theirs", {"location": "germanywestcentral"})

    said = stack.chatops("down", "--yes", "--discard").out
    assert "userAssignedIdentities/theirs: not this stack's, left alone" in said
    assert [item["id"].rsplit("/", 1)[-1] for item in azure.inventory("chat-rg")] == ["theirs"]

    azure.identities.user_assigned_identities.delete("chat-rg", "theirs")
    stack.chatops("up")


def test_down_leaves_nothing_but_logs_and_conversations_and_then_up_works_again(stack: Machine, person: Person) -> None:
    person.ask("hello")
    assert stack.processes()

    said = stack.chatops("down", "--yes").out
    assert "PostgreSQL server" in said
    assert "container app 'ui'" in said
    assert "0 leftovers" in said

    assert stack.left_behind() == []
    assert {path.name for path in stack.home.iterdir()} <= {"logs", "cache"}
    (file,) = stack.folder.glob("chat-conversations-*.jsonl.gz")
    saved = counts_in(file)
    assert saved.messages >= 2
    assert f"{saved} will be saved first, in {file}" in said

    assert "nothing to take down" in stack.chatops("down", "--yes").out
    stack.chatops("up")
    assert "0 changes" in stack.chatops("plan").out
    back = stack.chatops("conversations", "import", file.name, "--output", "json").objects[-1]
    assert (back["chats added"], back["messages added"]) == (saved.chats, saved.messages)
    file.unlink()
