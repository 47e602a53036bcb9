# SPDX-License-Identifier: MIT
"""`fastbatch.ray` on a cluster of three nodes, one of which is killed in mid-job; loaders in workers of Ray Train."""

import json
import os
import sys
import threading

import numpy as np
import pytest
from making import make_photos
from making_tar import write_tar
from store_server import StoreServer

ray = pytest.importorskip("ray", reason="Ray is not installed")
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="not on Windows"),
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),
]

import fastbatch as fb  # noqa: E402
import fastbatch.ray as fbr  # noqa: E402
from fastbatch.command import cli  # noqa: E402
from fastbatch.ray import tasks  # noqa: E402


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Three nodes of one CPU each, and a head without any; the store's cache is off in the workers."""
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    os.environ["FASTBATCH_STORE_CACHE_BYTES"] = "0"
    os.environ["FASTBATCH_STORE_TIMEOUT_S"] = "60"
    os.environ["RAY_TRAIN_V2_ENABLED"] = "1"
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.nodes = [made.add_node(num_cpus=1, object_store_memory=10**8) for _ in range(3)]
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def photos(tmp_path):
    """Twelve photos, of which two are damaged."""
    make_photos(tmp_path / "photos")
    (tmp_path / "photos/cat/1.jpg").write_bytes(b"no image")
    owl = tmp_path / "photos/owl/2.jpg"
    owl.write_bytes(owl.read_bytes()[:700])
    return tmp_path / "photos"


def found(report):
    return report.n_files, report.n_bytes, report.bad, report.is_complete


@pytest.mark.parametrize("on", ["ray", "local"])
def test_the_same_as_of_one_process(on, cluster, photos, tmp_path, monkeypatch):
    told = []
    report = fbr.verify(photos, on=on, part_files=5, progress=lambda done, total: told.append((done, total)))
    assert found(report) == found(fb.verify(photos))
    assert [done for done, _ in told][-1] == 12
    assert len(told) == 3
    assert (fbr.probe(photos, on=on, part_files=5) == fb.probe(photos)).all()
    monkeypatch.chdir(photos)
    assert [bad.path for bad in fbr.verify(["cat/0.jpg", "cat/1.jpg"], on=on).bad] == ["cat/1.jpg"]
    content = (photos / "cat/0.jpg").read_bytes()
    memory = fb.encoded([content, content[:300]] * 3, names=list("abcdef"))
    assert found(fbr.verify(memory, on=on, part_files=4)) == found(fb.verify(memory))
    rows = np.random.default_rng(0).normal(3, 2, (1000, 2, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", rows)
    expected, seen = fb.statistics(tmp_path / "x.npy"), fbr.statistics(tmp_path / "x.npy", on=on, part_rows=300)
    assert seen.n == 1000
    assert np.allclose(seen.mean, expected.mean, rtol=1e-12)
    assert np.allclose(seen.std, expected.std, rtol=1e-12)


@pytest.mark.parametrize("on", ["ray", "local"])
def test_archives(on, cluster, tmp_path):
    for name in "ab":
        write_tar(tmp_path / f"{name}.tar", [(f"{i}.{end}", b"12345") for i in range(600) for end in ("txt", "cls")])
    (tmp_path / "c.tar").write_bytes(b"\x1f\x8b\x08" + bytes(2000))
    paths = [str(tmp_path / f"{name}.tar") for name in "acb"] + [str(tmp_path / "gone.tar")]
    a, c, b, gone = fbr.index(paths, on=on)
    assert [(one.path, one.n_samples, one.n_bytes) for one in (a, b)] == [(paths[0], 600, 6000), (paths[2], 600, 6000)]
    assert a == fbr.IndexedArchive(paths[0], 600, 6000)
    assert c.error.startswith("compressed archive: expected a plain .tar")
    assert gone.error == "No such file or directory"
    (one,) = fbr.index(str(tmp_path / "a.*"), on=on)
    assert one == a
    assert len(fb.tar(str(tmp_path / "[ab].tar"), batch_size=100)) == 12


def test_an_index_made_elsewhere_is_used_here(cluster, tmp_path, monkeypatch):
    """The list of a large archive comes from a worker; its headers are then not read again."""
    from fastbatch.source.tar import index

    path = write_tar(tmp_path / "a.tar", [(f"{i}.txt", b"12345") for i in range(1200)])
    os.utime(path, (1e9, 1e9))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(index, "is_settled", lambda *arguments: True)
    fbr.index(str(path), on="ray")
    monkeypatch.setattr(index, "open_as", None)
    assert len(fb.tar(str(path), batch_size=100)) == 12


def test_archives_in_stores(cluster, tmp_path, monkeypatch):
    pytest.importorskip("obstore", reason="the extra `stores` is not installed")
    from fastbatch.source.tar import index

    (tmp_path / "www").mkdir()
    write_tar(tmp_path / "www/a.tar", [(f"{i}.txt", b"12345") for i in range(1200)])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    server = StoreServer(tmp_path / "www")
    try:
        url = f"{server.url}/a.tar"
        for on in ("ray", "local"):
            assert fbr.index([url], on=on) == [fbr.IndexedArchive(url, 1200, 6000)]
        monkeypatch.setattr(index, "_refuse_packed", None)  # the list is known
        assert len(fb.tar(url, batch_size=100)) == 12
        gone = fbr.index([f"{server.url}/gone.tar"], on="local")
        assert gone[0].error
        assert gone[0].path.endswith("/gone.tar")
    finally:
        server.close()


class Gate:
    """Holds the requests for objects until it opens, and knows how many wait."""

    def __init__(self, server, n):
        self._n, self._lock, self._waiting = n, threading.Lock(), set()
        self.is_full, self.is_open = threading.Event(), threading.Event()
        server.faults.bad = self._hold

    def _hold(self, path):
        with self._lock:
            self._waiting.add(path)
            if len(self._waiting) >= self._n:
                self.is_full.set()
        self.is_open.wait(120)


def test_a_node_is_killed_in_mid_job(cluster, photos):
    """Each of the three nodes reads a part when one of them dies; the report is that of one process."""
    pytest.importorskip("obstore", reason="the extra `stores` is not installed")
    server = StoreServer(photos)
    urls = [f"{server.url}/{name}/{i}.jpg" for name in ("cat", "dog", "owl") for i in range(4)]
    from fastbatch.api.image_data import open_images
    from fastbatch.native.backend import NativeBackend
    from fastbatch.ray.verify_job import verify_parts

    samples = open_images(NativeBackend(), urls).samples  # before the gate closes: asks for the sizes
    gate = Gate(server, 3)  # one part of one object on each node
    killed = cluster.nodes.pop()

    def kill():
        gate.is_full.wait(120)
        cluster.remove_node(killed, allow_graceful=False)
        gate.is_open.set()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        parts = list(verify_parts(samples, on="ray", part_files=1))
    finally:
        killer.join()
        server.close()
    assert gate.is_full.is_set()
    assert len(parts) == sum(part.n_files for part in parts) == 12
    bad = sorted((one.sample, one.path, one.reason) for part in parts for one in part.bad)
    assert bad == [(one.sample, urls[one.sample], one.reason) for one in fb.verify(photos).bad]
    cluster.nodes.append(cluster.add_node(num_cpus=1, object_store_memory=10**8))


def test_a_file_that_ends_its_worker_is_found(cluster, photos, monkeypatch):
    from fastbatch.ray import verify_job as module

    known = module.verify_part

    def deadly(max_pixels, part):
        if any(path.endswith(b"dog/2.jpg") for path in part.samples.paths):
            os._exit(1)
        return known(max_pixels, part)

    monkeypatch.setattr(module, "verify_part", deadly)
    monkeypatch.setattr(tasks, "RETRIES", 0)
    report = fbr.verify(photos, part_files=4)
    assert report.n_files == 12
    assert [one.sample for one in report.bad] == [1, 6, 10]
    assert (report.bad[1].path, report.bad[1].reason) == (str(photos / "dog/2.jpg"), module.DIED)
    assert (report.bad[0], report.bad[2]) == fb.verify(photos).bad


def test_a_part_that_is_lost_is_an_error(cluster, monkeypatch):
    monkeypatch.setattr(tasks, "RETRIES", 0)

    def deadly(part):
        os._exit(1)

    with pytest.raises(fbr.PartLostError, match="^a worker of Ray died 1 times: WorkerCrashedError: "):
        list(tasks.done_parts(deadly, [1], on="ray"))


@pytest.mark.parametrize("on", ["ray", "local"])
def test_errors_of_the_work_are_raised(on, cluster):
    def wrong(part):
        if part == 3:
            raise ValueError("three")
        return part

    with pytest.raises(ValueError, match="^three$"):
        list(tasks.done_parts(wrong, range(5), on=on))
    assert sorted(tasks.done_parts(wrong, range(3), on=on)) == [(0, 0), (1, 1), (2, 2)]
    assert list(tasks.done_parts(wrong, [], on=on)) == []


def test_wrong_arguments(cluster, photos):
    with pytest.raises(ValueError, match="on: expected one of ray, local, found 'spark'"):
        fbr.verify(photos, on="spark")
    with pytest.raises(ValueError, match="address: only valid with on='ray', found 'auto'"):
        fbr.verify(photos, on="local", address="auto")
    with pytest.raises(ValueError, match="part_files: expected 1 to "):
        fbr.verify(photos, part_files=0)
    with pytest.raises(FileNotFoundError):
        fbr.index(str(photos / "*.tar"))
    with pytest.raises(TypeError, match="path: expected the path of a file, found ndarray"):
        fbr.statistics(np.arange(3))


def test_the_command_line(cluster, photos, capsys, tmp_path):
    pytest.importorskip("typer", reason="the extra `cli` is not installed")
    report = tmp_path / "report.json"
    assert cli.main(["verify", str(photos), "--ray", "auto", "--json", str(report)]) == 1
    assert capsys.readouterr().out.splitlines() == list(map(str, fb.verify(photos).bad))
    assert json.loads(report.read_text())["files"] == 12
    for more in ([], ["--ray", "auto"]):
        assert cli.main(["probe", str(photos), *more]) == 0
        rows = list(map(json.loads, capsys.readouterr().out.splitlines()))
        assert [row["width"] for row in rows] == fb.probe(photos)["width"].tolist()
        assert rows[0]["path"] == str(photos / "cat/0.jpg")
        np.save(tmp_path / "x.npy", np.arange(6.0).reshape(3, 2))
        assert cli.main(["statistics", str(tmp_path / "x.npy"), "--json", *more]) == 0
        assert json.loads(capsys.readouterr().out)["mean"] == [2.0, 3.0]
        write_tar(tmp_path / "a.tar", [("x.txt", b"1")])
        assert cli.main(["index", str(tmp_path / "a.tar"), *more]) == 0
        assert capsys.readouterr().out == f"{tmp_path / 'a.tar'}: 1 samples, 0.0 MB\n"
        assert cli.main(["index", str(tmp_path / "gone.tar"), *more]) == 1
        assert capsys.readouterr().err.endswith("gone.tar: No such file or directory\n")
    assert cli.main(["statistics", str(tmp_path / "gone.npy")]) == 1
    assert "fastbatch statistics: " in capsys.readouterr().err


def test_loaders_in_workers_of_ray_train(cluster, tmp_path):
    """`shard="auto"` is the worker's rank; the ranks share the samples out and agree."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    np.save(tmp_path / "x.npy", np.arange(20))

    def train(config):
        import numpy as np

        import fastbatch as fb

        loader = fb.arrays(f"{config['folder']}/x.npy", batch_size=3, shuffle=True, seed=1, shard="auto")
        rank = ray.train.get_context().get_world_rank()
        fb.check_ranks(loader)
        with open(f"{config['folder']}/{rank}.json", "w") as file:
            json.dump([repr(loader), np.concatenate(list(loader)).tolist()], file)

    TorchTrainer(
        train,
        train_loop_config={"folder": str(tmp_path)},
        scaling_config=ScalingConfig(num_workers=2),
        run_config=RunConfig(storage_path=str(tmp_path / "runs")),
    ).fit()
    both = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    for rank, (shown, _) in enumerate(both):
        assert f"shard='auto' (rank {rank} of 2: torch.distributed)" in shown
    assert sorted(both[0][1] + both[1][1]) == list(range(20))
