"""What is said of an engine's streams. The messages are those of Docker 20.10."""

from __future__ import annotations

from typing import Any

from chatops.images.progress import BuildLog, Layers


def layer(name: str, status: str, current: int = 0, total: int = 0) -> dict[str, Any]:
    return {"id": name, "status": status, "progressDetail": {"current": current, "total": total} if total else {}}


def said(log: Layers | BuildLog, *messages: dict[str, Any]) -> list[str]:
    return [line for message in messages if (line := log.said(message))]


def test_a_push_tells_of_each_layer_in_steps_and_of_a_small_one_when_it_is_there() -> None:
    lines = said(
        Layers("pushing"),
        {"status": "The push refers to repository [127.0.0.1:1/chatcr/ui]"},
        layer("aaaaaaaaaaaa", "Preparing"),
        layer("bbbbbbbbbbbb", "Preparing"),
        layer("bbbbbbbbbbbb", "Pushing", 512, 2_048),
        layer("bbbbbbbbbbbb", "Pushed"),
        *(layer("aaaaaaaaaaaa", "Pushing", done * 1_000_000, 190_000_000) for done in range(0, 200, 1)),
        layer("aaaaaaaaaaaa", "Pushed"),
    )
    assert lines[:2] == ["pushing: 1 of 2 layers there", "pushing layer aaaaaaaa: 0 of 190 MB (1 of 2 there)"]
    assert lines[-2:] == ["pushing layer aaaaaaaa: 190 of 190 MB (1 of 2 there)", "pushing: 2 of 2 layers there"]
    assert 20 <= len(lines) <= 26, "some twenty steps, whatever the engine sends"


def test_a_push_in_trouble_says_so() -> None:
    assert said(Layers("pushing"), layer("aaaaaaaaaaaa", "Retrying in 5 seconds")) == [
        "pushing layer aaaaaaaa: retrying in 5 seconds (0 of 1 there)"
    ]


def test_a_build_tells_its_steps_and_keeps_the_rest_without_colours() -> None:
    log = BuildLog()
    lines = said(
        log,
        {"stream": "Step 2/3 : RUN make\n"},
        {"stream": " ---> Running in 0123\n"},
        {"stream": "\x1b[91mmake: *** no rule\n\x1b[0m"},
        {"stream": "\n"},
    )
    assert lines == ["step 2 of 3: RUN make"]
    assert log.end == "Step 2/3 : RUN make\n ---> Running in 0123\nmake: *** no rule"


def test_a_base_image_that_is_pulled_is_told_of_too() -> None:
    lines = said(
        BuildLog(),
        {"status": "Pulling from library/python", "id": "3.12-slim"},
        layer("aaaaaaaaaaaa", "Downloading", 3_000_000, 30_000_000),
        layer("aaaaaaaaaaaa", "Pull complete"),
    )
    assert lines == ["pulling layer aaaaaaaa: 3 of 30 MB (0 of 1 there)", "pulling: 1 of 1 layers there"]
