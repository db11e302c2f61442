"""The image store: what several builds do to it at once, and what is cleared from it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatops.localcloud.data.images import PROCESS_IMAGE, ImageStore, tree_digest

BUILDS = 8


def test_builds_of_the_same_files_that_end_together_all_keep_the_image(tmp_path):
    store = ImageStore(tmp_path)
    together = threading.Barrier(BUILDS)

    def add(number):
        root = store.incoming / str(number)
        for name in map(str, range(200)):
            (root / name).mkdir(parents=True)
        digest, size = tree_digest(root)
        manifest = {"mediaType": PROCESS_IMAGE, "files": {"digest": digest, "size": size}}
        together.wait()
        return store.add(manifest, root)

    with ThreadPoolExecutor(BUILDS) as threads:
        (kept,) = set(threads.map(add, range(BUILDS)))
    assert len(list(store.files(store.manifest(kept)).iterdir())) == 200
    assert list(store.incoming.iterdir()) == []


@pytest.mark.anyio
async def test_what_a_revision_runs_stays_on_disk_when_its_registry_no_longer_names_it(world):
    reference = await world.build("gone", **{"data/words.txt": b"only here"})
    spec = await world.put("keeper", image=reference)
    manifest = world.runtime.images.manifest(reference.partition("@")[2])
    files = world.runtime.images.files(manifest)
    world.runtime.images.delete_repository("chatreg.azurecr.io", "gone")
    await world.runtime.collect_garbage()
    assert files.is_dir()
    await world.runtime.delete_app(spec.id)
    await world.runtime.collect_garbage()
    assert not files.exists()
