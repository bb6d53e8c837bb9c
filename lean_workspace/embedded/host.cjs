// Runs the WebAssembly build of Lean in Node.
//
// usage: node --stack-size=900000 host.cjs PREFIX LEAN_ARGUMENT...
//
// PREFIX holds bin/lean.js (slimmed), bin/lean.wasm and lib/lean/**/*.olean. Lean reads PREFIX, the
// working directory and the folders in LEAN_HOST_READ (separated by colons), each at its own path, and
// writes below LEAN_HOST_WRITE only. It sees nothing else of the machine and has no network and no
// processes, so text from a language model can be run here.
const fs = require("fs");
const path = require("path");
const threads = require("worker_threads");
const vm = require("vm");

const STACK_BYTES = 256 * 1024 * 1024;

const [prefix, ...leanArguments] = process.argv.slice(2);
const bin = path.join(path.resolve(prefix), "bin");
// Threads read the library themselves, see worker_files.js.
process.env.LEAN_HOST_LIBRARY = path.join(fs.realpathSync(prefix), "lib", "lean") + path.sep;

// A busy engine does not see that its input has ended. This thread does: an orphan ends itself.
new threads.Worker(
  "const parent = process.ppid; setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 1000);",
  { eval: true },
).unref();

// The build announces each start-up step on the console; nothing else of Lean prints there.
for (const name of ["log", "error"])
  console[name] = (line) => { if (!/^\[DEBUG/.test(line)) fs.writeSync(2, line + "\n"); };

// Node may have put the pipes in non-blocking mode: wait a millisecond and ask again.
const pause = new Int32Array(new SharedArrayBuffer(4));
function blocking(operation) {
  for (;;) {
    try {
      return operation();
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

// Emscripten's terminal reads byte by byte until a buffer is full, which never answers a peer that waits
// for its reply; these read what is there and write at once.
function connectStandardStreams(TTY) {
  TTY.stream_ops.read = (stream, buffer, offset, length) => {
    const chunk = Buffer.alloc(length);
    const count = blocking(() => fs.readSync(0, chunk, 0, length, null));
    buffer.set(chunk.subarray(0, count), offset);
    return count;
  };
  TTY.stream_ops.write = (stream, buffer, offset, length) => {
    const chunk = Buffer.from(buffer.slice(offset, offset + length));
    const fd = stream.tty.ops.get_char ? 1 : 2;
    for (let done = 0; done < length; ) done += blocking(() => fs.writeSync(fd, chunk, done));
    return length;
  };
}

const folders = (list) => (list ?? "").split(":").filter(Boolean).map((folder) => fs.realpathSync(folder));
const writable = folders(process.env.LEAN_HOST_WRITE);
const readable = [fs.realpathSync(prefix), fs.realpathSync(process.cwd()), ...folders(process.env.LEAN_HOST_READ)];
const inside = (file, folder) => file === folder || file.startsWith(folder + path.sep);
const topmost = (list) => list.filter((a, i) => list.indexOf(a) === i && !list.some((b) => a !== b && inside(a, b)));

// Every call through which Emscripten's file system can change the machine's files.
function refuseWrites() {
  const refuse = (file) => {
    if (!writable.some((folder) => inside(path.resolve(String(file)), folder)))
      throw Object.assign(new Error(`EROFS: ${file}`), { code: "EROFS" });
  };
  const openSync = fs.openSync;
  fs.openSync = (file, flags, ...rest) => {
    const { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND } = fs.constants;
    if (typeof flags !== "number" || flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)) refuse(file);
    return openSync(file, flags, ...rest);
  };
  for (const name of ["mkdirSync", "rmdirSync", "unlinkSync", "writeFileSync", "truncateSync", "chmodSync", "utimesSync", "lutimesSync"]) {
    const original = fs[name];
    fs[name] = (file, ...rest) => { refuse(file); return original(file, ...rest); };
  }
  for (const name of ["renameSync", "symlinkSync", "linkSync"]) {
    const original = fs[name];
    fs[name] = (from, to) => { refuse(from); refuse(to); return original(from, to); };
  }
}

// Lean elaborates on threads of its own; they recurse as deeply as the main one.
threads.Worker = class extends threads.Worker {
  constructor(file, options) {
    super(file, { ...options, resourceLimits: { stackSizeMb: STACK_BYTES >> 20 } });
  }
};

globalThis.Module = {
  arguments: leanArguments,
  thisProgram: path.join(bin, "lean"),
  locateFile: (name) => path.join(bin, name),
  mainScriptUrlOrBlob: path.join(bin, "lean.js"),
  preRun: [
    () => {
      connectStandardStreams(TTY);
      refuseWrites();
      for (const root of topmost([...readable, ...writable])) {
        FS.mkdirTree(root);
        FS.mount(FS.filesystems.NODEFS, { root }, root);
      }
    },
  ],
  // The program is linked with a small stack at the bottom of memory; Lean recurses deeply.
  onRuntimeInitialized: () => {
    const top = _malloc(STACK_BYTES) + STACK_BYTES;
    __emscripten_stack_restore(top & ~15);
  },
  onExit: (code) => process.exit(code),
};
globalThis.require = require;
globalThis.__filename = path.join(bin, "lean.js");
globalThis.__dirname = bin;
vm.runInThisContext(fs.readFileSync(path.join(bin, "lean.js"), "utf8"), { filename: path.join(bin, "lean.js") });
