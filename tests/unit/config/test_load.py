"""Reading a good file, and the files that are none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatops.config import Config, bundled, discover, load, require_subscription
from chatops.config.load import MAX_BYTES
from chatops.errors import ConfigError, Problem

GUID = "0a1b2c3d-0000-4000-8000-0123456789ab"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str) -> Config:
    Path("chatops.yaml").write_text(text, encoding="utf-8")
    return load(Path("chatops.yaml"))


def refused(path: Path) -> Problem:
    with pytest.raises(ConfigError) as caught:
        load(path)
    (problem,) = caught.value.problems
    return problem


def test_a_name_alone_is_the_stack_of_the_article(folder: Path) -> None:
    config = read("name: chat\n")
    assert config == Config()
    assert (config.target, config.location) == ("local", "germanywestcentral")
    assert (config.network.address_space, config.network.apps_subnet) == ("10.0.0.0/24", "10.0.0.0/25")
    assert config.network.database_subnet == "10.0.0.128/25"
    database = config.database
    assert (database.sku, database.tier, database.storage_gb, database.version) == (
        "Standard_B1ms",
        "Burstable",
        32,
        "16",
    )
    assert config.registry.sku == "Standard"
    sizes = {name: (app.external, app.cpu, app.memory, app.port) for name, app in config.services.items()}
    assert sizes == {
        "ui": (True, 0.5, "1Gi", 8080),
        "db-api": (False, 0.5, "1Gi", 8080),
        "lm-api": (False, 2, "4Gi", 8080),
    }
    assert {name: app.scale.concurrency for name, app in config.services.items()} == {
        "ui": 10,
        "db-api": 10,
        "lm-api": 2,
    }
    assert {(app.scale.min, app.scale.max, app.scale.cooldown) for app in config.services.values()} == {(1, 5, 300)}
    assert config.services["ui"].calls == ("db-api", "lm-api")


def test_one_field_of_one_service_leaves_all_else_alone(folder: Path) -> None:
    config = read("services:\n  lm-api:\n    scale: {max: 9}\n")
    default = Config().services["lm-api"]
    scale = default.scale.model_copy(update={"max": 9})
    assert config.services["lm-api"] == default.model_copy(update={"scale": scale})
    assert config.services["ui"] == Config().services["ui"]
    assert list(config.services) == ["ui", "db-api", "lm-api"]


def test_sections_without_content_are_their_defaults(folder: Path) -> None:
    config = read("network:\ntags:\nservices:\n  ui:\n  lm-api:\n    scale:\n    env:\n")
    assert config == Config()


def test_an_own_service_stands_beside_the_three(folder: Path) -> None:
    (folder / "worker").mkdir()
    (folder / "worker" / "Dockerfile").write_text("FROM scratch\n")
    config = read("services:\n  worker: {image: ./worker, calls: [db-api]}\n  ui: {calls: [worker]}\n")
    worker = config.services["worker"]
    assert bundled.image_context(worker.image) == folder / "worker"
    assert (worker.external, worker.cpu, worker.scale.concurrency) == (False, 0.5, 10)
    assert config.services["ui"].calls == ("worker",)


def test_image_folders_are_seen_from_the_file_and_not_from_the_caller(folder: Path) -> None:
    (folder / "deep" / "page").mkdir(parents=True)
    (folder / "deep" / "page" / "Dockerfile").write_text("FROM scratch\n")
    file = folder / "deep" / "chatops.yaml"
    file.write_text("services: {ui: {image: ./page}}\n")
    assert load(file).services["ui"].image == str(folder / "deep" / "page")


@pytest.mark.parametrize("image", bundled.IMAGES)
def test_bundled_images_have_a_dockerfile(image: str) -> None:
    assert (bundled.image_context(image) / "Dockerfile").is_file()


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("location: Germany West Central", "location", "germanywestcentral"),
        ("location: EastUS2", "location", "eastus2"),
        ("database: {version: 17}", "database.version", "17"),
        ('database: {version: "17"}', "database.version", "17"),
        ("services: {ui: {memory: 1.0Gi}}", "services.ui.memory", "1Gi"),
        ("services: {ui: {cpu: 0.50}}", "services.ui.cpu", 0.5),
        ("services: {ui: {cpu: 4, memory: 8Gi}}", "services.ui.memory_gib", 8.0),
        ("services: {ui: {env: {PORT: 8080}}}", "services.ui.env.PORT", "8080"),
        ("tags: {cost-centre: 4711}", "tags.cost-centre", "4711"),
        ("tags: {since: 2026-01-31}", "tags.since", "2026-01-31"),
        ("network: {address_space: 10.9.0.0/22}", "network.apps_subnet", "10.9.0.0/23"),
        ("network: {address_space: 10.9.0.0/22}", "network.database_subnet", "10.9.2.0/23"),
        ("database: {sku: Standard_D2ds_v5}", "database.tier", "GeneralPurpose"),
        ("database: {sku: Standard_E4ads_v5}", "database.tier", "MemoryOptimized"),
        ("database: {sku: Standard_B2s}", "database.tier", "Burstable"),
        (f"azure: {{subscription: {GUID.upper()}}}", "azure.subscription", GUID),
        ("services: {lm-api: {scale: {min: 0}}}", "services.lm-api.scale.min", 0),
        ("model: {source: /models/a.gguf}", "model.source", "/models/a.gguf"),
        (f"model: {{source: 'https://example.org/a.gguf', sha256: {'a1' * 32}}}", "model.sha256", "a1" * 32),
        ("x: &s {min: 2}\nservices: {ui: {scale: *s}}", None, None),
        ("services: {ui: {scale: &s {min: 2}}, db-api: {scale: *s}}", "services.db-api.scale.min", 2),
        (
            "services: {ui: {scale: &s {min: 2, max: 3}}, db-api: {scale: {<<: *s, max: 4}}}",
            "services.db-api.scale.min",
            2,
        ),
        (
            "services: {ui: {scale: &s {min: 2, max: 3}}, db-api: {scale: {max: 4, <<: *s}}}",
            "services.db-api.scale.max",
            4,
        ),
    ],
)
def test_values_in_their_canonical_form(folder: Path, text: str, path: str | None, value: object) -> None:
    if path is None:
        with pytest.raises(ConfigError, match="x: unknown key"):
            read(text)
        return
    found: object = read(text)
    for step in path.split("."):
        found = found[step] if isinstance(found, dict) else getattr(found, step)
    assert found == value


def test_a_byte_order_mark_is_no_content(folder: Path) -> None:
    Path("bom.yaml").write_bytes(b"\xef\xbb\xbfname: other\n")
    assert load(Path("bom.yaml")).name == "other"


def test_a_config_cannot_be_changed(folder: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        read("name: chat").name = "other"  # type: ignore[misc]


def test_a_missing_file(folder: Path) -> None:
    problem = refused(Path("no.yaml"))
    assert str(problem).startswith("no.yaml: there is no such file\n")
    assert problem.hint is not None
    assert "chatops init" in problem.hint


def test_a_folder(folder: Path) -> None:
    Path("conf").mkdir()
    problem = refused(Path("conf"))
    assert (problem.found, problem.hint) == ("this is a folder", "conf/chatops.yaml?")


def test_a_link_to_itself(folder: Path) -> None:
    Path("chatops.yaml").symlink_to("chatops.yaml")
    assert refused(discover(None, folder)).found.startswith("cannot be read: ")


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """Root may read everything; for a while, be somebody who may not."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


def test_a_file_that_may_not_be_read(folder: Path, request: pytest.FixtureRequest) -> None:
    Path("secret.yaml").write_text("name: chat")
    Path("secret.yaml").chmod(0)
    request.getfixturevalue("as_nobody")
    assert refused(Path("secret.yaml")).found == "cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("content", "found", "line"),
    [
        (b"name: chat\ntags: {a: \xff}\n", "the file is not UTF-8 text", 2),
        ("name: chat\n".encode("utf-16"), "the file is not UTF-8 text", 1),
        (b"\x7fELF\x02\x01\x01\x00\x00", "not YAML: the character U+007F is not allowed", 1),
        (b"name: chat\n" + b"#" * MAX_BYTES, "the file is larger than 256 KiB", None),
        (b"[" * 5000, "nested too deeply to be read", None),
    ],
)
def test_files_that_are_no_yaml(folder: Path, content: bytes, found: str, line: int | None) -> None:
    Path("chatops.yaml").write_bytes(content)
    problem = refused(Path("chatops.yaml"))
    assert (problem.found, problem.line, problem.file) == (found, line, "chatops.yaml")


def test_discovery(folder: Path) -> None:
    assert discover(None, folder) == bundled.config_file("local")
    (folder / "chatops.yaml").write_text("name: own")
    assert discover(None, folder) == folder / "chatops.yaml"
    assert discover(Path("other.yaml"), folder) == Path("other.yaml")


def test_the_placeholder_loads_and_is_refused_before_azure_is_called() -> None:
    path = bundled.config_file("azure")
    config = load(path)
    with pytest.raises(ConfigError) as caught:
        require_subscription(config, path)
    (problem,) = caught.value.problems
    line = path.read_text(encoding="utf-8").splitlines()[(problem.line or 0) - 1]
    assert "subscription: 00000000" in line
    assert problem.path == "azure.subscription"


def test_a_real_subscription_is_not_refused(folder: Path) -> None:
    config = read(f"target: azure\nazure: {{subscription: {GUID}}}\n")
    require_subscription(config, Path("chatops.yaml"))
    require_subscription(Config(), Path("chatops.yaml"))


@pytest.mark.parametrize("text", ['name: "\\uD800"', 'tags: {"\\uDFFF": a}', 'model: {source: "https://\\uD800"}'])
def test_half_characters_are_no_text(folder: Path, text: str) -> None:
    Path("chatops.yaml").write_text(text, encoding="utf-8")
    assert str(refused(Path("chatops.yaml"))).encode()


def test_text_for_the_terminal_carries_no_control_characters(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read('"na\\e[2Jme": "\\e[2J"\ntarget: "\\e]0;x"\nnetwork: {address_space: "\\e[2J"}\n')
    assert len(caught.value.problems) == 3
    assert all(character.isprintable() or character == "\n" for character in str(caught.value))
