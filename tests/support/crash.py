#!/usr/bin/env python3
"""What stays of a store when a command is killed, its system calls fail, or the power goes.

  crash.py kill|fault|power --dir D --template T [options] -- COMMAND…

COMMAND changes files below D, which is made from T (a folder; nothing when it is not there) before each run.
It is run once under strace to learn its calls; then, for each point in turn (or --sample of them),

  kill    it is killed when it is about to make the call
  fault   the call fails: no space, quota, I/O error; or is interrupted (EINTR), which must not be noticed
  power   nothing is run: the files are put into a state that a power cut at that point may leave. Data that
          was not synced is lost, names whose directory was not synced are old or new

Each time --check must hold (a shell command, run with $D), then the command must succeed when it is run
again (--rerun-exit names other exit codes that are fine, with commas), then --check and --final must hold.
Prints a line of numbers; the first point that does not hold is told with all that was seen, exit 1.
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

CHANGES = ["write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink", "unlinkat",
           "mkdir", "mkdirat", "ftruncate", "link", "linkat", "openat"]
READS = ["read", "flock"]
LINE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)")
UNFINISHED = re.compile(r"^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")


class Failed(Exception):
    pass


def plain(text):
    """The bytes that strace shows as \\xNN."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m.group(1), 16)]), text.encode("latin-1"))


def environment(o):
    env = dict(os.environ, D=o.dir)
    # A program under a tracer cannot look for leaks.
    env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    return env


def run(o, command, **more):
    return subprocess.run(command, env=environment(o), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120, **more)


def shell(o, text, what):
    done = run(o, ["bash", "-c", text])
    if done.returncode != 0:
        raise Failed("%s does not hold (exit %d):\n%s%s" % (
            what, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")))


def reset(o):
    shutil.rmtree(o.dir, ignore_errors=True)
    if o.template and os.path.isdir(o.template):
        subprocess.run(["cp", "-a", o.template, o.dir], check=True)
    else:
        os.mkdir(o.dir, 0o700)


def traced(o, *flags, log="/dev/null", size=32):
    return run(o, ["strace", "-f", "-y", "-qq", "-xx", "-s", str(size), "-o", log,
                   "-e", "trace=" + ",".join(CHANGES + (READS if o.mode == "fault" else [])), *flags, *o.command])


def join(lines):
    """Calls that another thread's line cut in two become one line again."""
    open_calls = {}
    for line in lines:
        line = line.rstrip("\n")
        begun, ended = UNFINISHED.match(line), RESUMED.match(line)
        if begun:
            open_calls[begun.group(1)] = begun.group(2) + "(" + begun.group(3)
        elif ended and ended.group(1) in open_calls:
            yield ended.group(1) + " " + open_calls.pop(ended.group(1)) + ended.group(3)
        else:
            yield line


class Call:
    def __init__(self, number, pid, name, arguments, result):
        self.number = number  # of calls of that name by that thread, from 1
        self.pid, self.name, self.arguments, self.result = pid, name, arguments, int(result)

    def paths(self):
        texts = re.findall(r'<((?:[^<>"\\]|\\x..)*)>|"((?:\\x..)*)"', self.arguments)
        return [os.path.normpath(plain(a or b).decode(errors="replace")) for a, b in texts if a or b]

    def touches(self, folder):
        if self.name == "openat" and "O_CREAT" not in self.arguments:
            return False
        return any(p == folder or p.startswith(folder + "/") for p in self.paths())


def learn(o, size=32):
    """Run the command once and return its calls."""
    reset(o)
    with tempfile.NamedTemporaryFile(mode="r", encoding="latin-1") as log:
        done = traced(o, log=log.name, size=size)
        if done.returncode != 0:
            raise Failed("the command fails by itself (exit %d):\n%s" % (
                done.returncode, done.stderr.decode(errors="replace")))
        counts, calls = {}, []
        for line in join(log):
            found = LINE.match(line)
            if not found:
                continue
            key = found.group(1), found.group(2)
            counts[key] = counts.get(key, 0) + 1
            calls.append(Call(counts[key], *found.groups()))
    return calls


def sample(o, points):
    if not o.sample or len(points) <= o.sample:
        return points
    step = len(points) / o.sample
    return [points[int(i * step + o.random.random() * step)] for i in range(o.sample)]


def again(o):
    """The command succeeds when it is run again, and all is well then."""
    done = run(o, o.command)
    if done.returncode not in o.rerun_exit:
        raise Failed("run again it ends with %d:\n%s" % (
            done.returncode, done.stderr.decode(errors="replace")))
    shell(o, o.check, "--check after the second run")
    if o.final:
        shell(o, o.final, "--final")


def points_of(o, calls):
    seen = dict.fromkeys((c.name, c.number) for c in calls if c.touches(o.dir))
    return list(seen)


def kill(o):
    points = points_of(o, learn(o))
    killed = 0
    chosen = sample(o, points)
    for name, number in chosen:
        o.point = "killed at %s number %d" % (name, number)
        reset(o)
        done = traced(o, "-e", "inject=%s:signal=KILL:when=%d" % (name, number))
        killed += done.returncode in (-9, 137)
        shell(o, o.check, "--check")
        again(o)
    if killed * 2 < len(chosen):
        raise Failed("only %d of %d runs were killed" % (killed, len(chosen)))
    print("kill: %d points of %d, killed %d" % (len(chosen), len(points), killed))


SILENCED = re.compile(r"write\(2(<[^>]*>)?, .*\(INJECTED\)")

FAULTS = {"read": ["EIO", "EINTR"], "flock": ["EINTR"], "write": ["ENOSPC", "EDQUOT", "EIO", "EINTR"], "pwrite64": ["ENOSPC", "EIO", "EINTR"],
          "fsync": ["ENOSPC", "EIO", "EINTR"], "fdatasync": ["ENOSPC", "EIO", "EINTR"],
          "openat": ["ENOSPC", "EDQUOT", "EIO"], "mkdir": ["ENOSPC", "EIO"], "mkdirat": ["ENOSPC", "EIO"],
          "rename": ["ENOSPC", "EIO"], "renameat": ["ENOSPC", "EIO"], "renameat2": ["ENOSPC", "EIO"],
          "link": ["ENOSPC"], "linkat": ["ENOSPC"], "unlink": ["EIO"], "unlinkat": ["EIO"], "ftruncate": ["EIO"]}


def fault(o):
    points = [(n, k, e) for n, k in points_of(o, learn(o)) for e in FAULTS[n]]
    failed = 0
    chosen = sample(o, points)
    for name, number, error in chosen:
        o.point = "%s number %d fails with %s" % (name, number, error)
        reset(o)
        log = o.dir + ".trace"
        done = traced(o, "-e", "inject=%s:error=%s:when=%d" % (name, error, number), log=log)
        with open(log, errors="replace") as f:
            was_silenced = any(SILENCED.search(line) for line in f)
        os.unlink(log)
        text = done.stderr.decode(errors="replace")
        # strace counts by thread: what is the first read of one is the dynamic loader's of another
        if done.returncode == 127 and "loading shared libraries" in text:
            continue
        if done.returncode < 0 or done.returncode > 127:
            raise Failed("it ends with %d:\n%s" % (done.returncode, text))
        if error == "EINTR" and done.returncode != 0:
            raise Failed("an interrupted call is not made again (exit %d):\n%s" % (done.returncode, text))
        if done.returncode != 0:
            failed += 1
            # by thread, too: the call that fails here may be another thread's, and the writing of the message
            if error == "ENOSPC" and not was_silenced and "no space left" not in text.lower():
                raise Failed("the message does not say 'no space left':\n" + text)
        shell(o, o.check, "--check")
        again(o)
    if chosen and not failed:
        raise Failed("no fault made it fail")
    print("fault: %d points of %d, %d made it fail" % (len(chosen), len(points), failed))


# --- power ---------------------------------------------------------------------------------------------

class File:
    def __init__(self, data=b""):
        self.now, self.synced = data, data


class Folder:
    def __init__(self):
        self.now, self.synced = {}, {}


class Disk:
    """What the calls do to the files below a folder, and what of it has reached the disk."""

    def __init__(self, top):
        self.top = top
        self.root = self.read(top)

    def read(self, path):
        folder = Folder()
        for name in sorted(os.listdir(path)):
            below = os.path.join(path, name)
            if os.path.isdir(below):
                folder.now[name] = self.read(below)
            else:
                with open(below, "rb") as file:
                    folder.now[name] = File(file.read())
        folder.synced = dict(folder.now)
        return folder

    def find(self, path):
        at = self.root
        for part in [p for p in os.path.relpath(path, self.top).split("/") if p != "."]:
            at = at.now.get(part) if isinstance(at, Folder) else None
        return at

    def place(self, path):
        return self.find(os.path.dirname(path)), os.path.basename(path)

    def inside(self, path):
        return path == self.top or path.startswith(self.top + "/")

    def apply(self, call):
        paths = call.paths()
        if call.result < 0 or not paths or not call.touches(self.top):
            return
        name = call.name
        if name == "openat":
            self.create(paths[-1] if call.arguments.startswith("AT_FDCWD") else paths[1], call)
        elif name in ("write", "pwrite64"):
            file = self.find(paths[0])
            if isinstance(file, File):
                file.now += plain(re.search(r'"((?:\\x..)*)"', call.arguments).group(1))[:call.result]
        elif name == "ftruncate":
            file = self.find(paths[0])
            file.now = file.now[:int(call.arguments.rsplit(",", 1)[1])]
        elif name in ("fsync", "fdatasync"):
            self.sync(self.find(paths[0]))
        elif name.startswith("rename"):
            (source, old), (target, new) = self.place(paths[-2]), self.place(paths[-1])
            target.now[new] = source.now.pop(old)
        elif name.startswith("unlink"):
            folder, last = self.place(paths[-1])
            folder.now.pop(last, None)
        elif name.startswith("mkdir"):
            folder, last = self.place(paths[-1])
            folder.now[last] = Folder()

    def create(self, path, call):
        # strace shows the opened file after the result as well; the argument is what was asked for
        folder, last = self.place(path)
        if isinstance(folder, Folder) and last not in folder.now:
            folder.now[last] = File()
        elif "O_TRUNC" in call.arguments:
            folder.now[last].now = b""

    @staticmethod
    def sync(node):
        if isinstance(node, Folder):
            node.synced = dict(node.now)
        elif node is not None:
            node.synced = node.now

    def cut(self, to, names, data):
        """Write what a power cut leaves; `names` and `data` choose for each folder entry and file."""
        self.write_folder(self.root, to, names, data)

    def write_folder(self, folder, to, names, data):
        os.makedirs(to, 0o700, exist_ok=True)
        os.chmod(to, 0o700)
        for name in sorted(set(folder.now) | set(folder.synced)):
            node = names(folder, name)
            if isinstance(node, Folder):
                self.write_folder(node, os.path.join(to, name), names, data)
            elif node is not None:
                with open(os.path.join(to, name), "wb") as file:
                    file.write(data(node))


def choices(rng):
    """Ways in which a disk may have got what was not synced."""
    def old(folder, name):
        return folder.synced.get(name)

    def new(folder, name):
        return folder.now.get(name)

    def any_name(folder, name):
        return rng.choice((old, new))(folder, name)

    def lost(file):
        return file.synced

    def torn(file):
        if file.now == file.synced:
            return file.now
        return rng.choice((file.synced, file.now, file.now[:len(file.now) // 2], b""))

    return [("nothing that was not synced", old, lost), ("names, not data", new, lost),
            ("some names, some data", any_name, torn)]


def power(o):
    calls = learn(o, size=1 << 26)
    reset(o)
    disk = Disk(o.dir)
    steps = [c for c in calls if c.result >= 0 and c.touches(o.dir)]
    wanted = set(sample(o, list(range(len(steps) + 1))))
    for at in range(len(steps) + 1):
        if at in wanted:
            for what, names, data in choices(o.random):
                o.point = "power cut before step %d of %d, the disk has %s" % (at, len(steps), what)
                shutil.rmtree(o.dir)
                disk.cut(o.dir, names, data)
                shell(o, o.check, "--check")
                again(o)
        if at < len(steps):
            o.point = "step %d" % at
            disk.apply(steps[at])
    print("power: %d points of %d, three states each" % (len(wanted), len(steps) + 1))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("mode", choices=["kill", "fault", "power"])
    parser.add_argument("--dir", required=True)
    parser.add_argument("--template")
    parser.add_argument("--check", required=True)
    parser.add_argument("--final")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rerun-exit", default="0")
    at = sys.argv.index("--") if "--" in sys.argv else parser.error("there is no -- COMMAND")
    o = parser.parse_args(sys.argv[1:at])
    o.command = sys.argv[at + 1:]
    o.dir = os.path.realpath(o.dir)
    o.rerun_exit = [int(code) for code in o.rerun_exit.split(",")]
    o.random = random.Random(o.seed)
    o.point = "the first run"
    try:
        {"kill": kill, "fault": fault, "power": power}[o.mode](o)
    except Failed as failure:
        print("%s: %s" % (o.point, failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
