"""What the measurements with an LLM share: taf-llm-server, a pipeline of dialogues, a run as whole process, and the line each ends with."""
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

TOP, BUILD, TAF = os.environ["TAF_TOP"], os.environ["BUILD"], os.environ["TAF"]
sys.path.insert(0, os.path.join(TOP, "tests/cases/kit"))
import llm as kit  # noqa: E402


def die(words):
    sys.exit(f"bench: {words}")


def line(name, value, unit, target, at_most, good=True):
    """"bench: NAME value=V target=T pass|short"; `good` is what else must hold."""
    met = good and (value <= target if at_most else value >= target)
    print(f"bench: {name} value={value:.4g}{unit} target={'<=' if at_most else '>='}{target:.4g}{unit} {'pass' if met else 'short'}", flush=True)


def pinned(cpu):
    return None if cpu is None else lambda: os.sched_setaffinity(0, {cpu})


class Server:
    """with Server("--latency", "50", cpu=0) as s: the server on a free port."""

    def __init__(self, *options, cpu=None):
        self.process = subprocess.Popen([os.path.join(TOP, BUILD, "taf-llm-server"), "--die-with-parent", *options],
                                        stdout=subprocess.PIPE, text=True, preexec_fn=pinned(cpu))
        said = self.process.stdout.readline()
        if not said.startswith("listening on "):
            die(f"the server said {said!r}")
        self.port = said.rsplit(":", 1)[1].split("/")[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def stats(self):
        return json.loads(kit.call(self.port, "/stats"))


def project(port, count, **provider):
    """A folder whose pipeline has agents write `count` dialogues of the scenarios that come with taf."""
    folder = tempfile.mkdtemp()
    options = {"kind": "openai", "base_url": f"http://127.0.0.1:{port}/v1", "model": "taf-test", **provider}
    stage = {"name": "agents", "uses": "synthesize", "with": {"provider": "writer", "count": count, "grid": "bands"}}
    with open(os.path.join(folder, "pipeline.yaml"), "w") as f:  # JSON is YAML
        json.dump({"version": 1, "name": "bench", "seed": 7, "providers": {"writer": options}, "stages": [stage]}, f)
    return folder


class Run:
    """`taf run` of a project in a process of its own. wait() → its status; then seconds, cpu_s, mb."""

    def __init__(self, folder, *args, cpu=None):
        self.work = os.path.join(folder, "work")
        self.out = open(os.path.join(folder, "out"), "w+")
        self.start = time.monotonic()
        self.process = subprocess.Popen([TAF, "run", "-f", os.path.join(folder, "pipeline.yaml"), "-w", self.work, "--json", *args],
                                        stdin=subprocess.DEVNULL, stdout=self.out, stderr=subprocess.STDOUT, preexec_fn=pinned(cpu))

    def alive(self):
        if self.process.returncode is not None:
            return False
        pid, status, used = os.wait4(self.process.pid, os.WNOHANG)
        if pid:
            self.process.returncode = os.waitstatus_to_exitcode(status)
            self.seconds = time.monotonic() - self.start
            self.cpu_s = used.ru_utime + used.ru_stime
            self.mb = used.ru_maxrss / 1024
        return not pid

    def wait(self, *fine):
        while self.alive():
            time.sleep(0.02)
        if self.process.returncode not in (fine or (0,)):
            self.out.seek(0)
            die(f"the run ended with exit status {self.process.returncode}: {self.out.read()[-2000:]}")


def raise_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
