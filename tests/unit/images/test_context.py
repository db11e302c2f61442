"""Build contexts: what is let through, and that the tag is a hash of exactly that."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from chatops.config.bundled import IMAGES, image_context
from chatops.errors import UsageError
from chatops.images.context import Context


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in {
        "Dockerfile": "FROM x\n",
        "app/main.py": "print()\n",
        "app/__pycache__/main.pyc": "bytes",
        "tests/test_main.py": "assert\n",
        "docs/keep.md": "keep\n",
        "docs/drop.md": "drop\n",
        "app/tests/data.txt": "nested\n",
        ".dockerignore": "# comment\n\ntests\ndocs/*\n!docs/keep.md\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return tmp_path


def test_dockerignore_counts_from_the_root_and_can_take_back(folder: Path) -> None:
    assert [path.as_posix() for path in Context(folder).files] == [
        "Dockerfile",
        "app/main.py",
        "app/tests/data.txt",
        "docs/keep.md",
    ]


def test_all_but_one_folder_can_be_ignored_and_the_dockerfile_is_still_sent(folder: Path) -> None:
    (folder / ".dockerignore").write_text("*\n!app\n")
    sent = [path.as_posix() for path in Context(folder).files]
    assert sorted(sent) == ["Dockerfile", "app/main.py", "app/tests/data.txt"]


def test_the_hash_changes_with_content_mode_name_and_arguments_and_with_nothing_else(folder: Path) -> None:
    content = Context(folder).content
    (folder / "docs" / "drop.md").write_text("other\n")
    (folder / "tests" / "more.py").write_text("more\n")
    assert Context(folder).content == content
    assert Context(folder, {"BASE": "a"}).content != content

    main = folder / "app" / "main.py"
    main.write_text("print( )\n")
    changed = Context(folder).content
    assert changed != content
    main.chmod(0o755)
    executable = Context(folder).content
    assert executable != changed
    main.rename(folder / "app" / "other.py")
    assert Context(folder).content not in (content, changed, executable)


def test_the_same_context_is_the_same_archive(folder: Path) -> None:
    assert archive_of(folder) == archive_of(folder)
    with tarfile.open(fileobj=io.BytesIO(archive_of(folder))) as archive:
        assert archive.getnames() == [path.as_posix() for path in Context(folder).files]


def archive_of(folder: Path) -> bytes:
    archive = io.BytesIO()
    Context(folder).write(archive)
    return archive.getvalue()


def test_a_folder_without_a_dockerfile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Dockerfile"):
        _ = Context(tmp_path).content


@pytest.mark.parametrize("image", IMAGES)
def test_bundled_images_send_no_tests_and_no_training(image: str) -> None:
    files = [path.as_posix() for path in Context(image_context(image)).files]
    assert "Dockerfile" in files
    assert not [name for name in files if name.startswith(("tests/", "training/"))]
