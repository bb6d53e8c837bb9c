"""Changes the package's 89 MB JavaScript launcher into one that Node starts in seconds.

Each change must apply exactly once, so that another build is rejected instead of half-changed:

1. `dlsym` found symbols by a linear scan over 200,000 exports; now it uses a map.
2. The launcher assigned every export to a global; now only those that its own code uses.
3. One spare thread is started ahead of time instead of four.
4. Lean's main mounted the machine's /home and /tmp; now the host decides which files it sees.
5. Threads read library files themselves (worker_files.js). Before, they called the main thread, which takes
   about a millisecond, and an import makes nine such calls per module.
6. Calls that may throw stay in WebAssembly (trampolines.js).
7. No code but the engine is loaded, because Emscripten libraries may contain JavaScript.
"""

import re
from importlib import resources

_IN_THREAD = (
    ("___syscall_openat(dirfd,path,flags,varargs", "open(path,flags)"),
    ("___syscall_stat64(path,buf", "stat(path,buf)"),
    ("___syscall_fstat64(fd,buf", "fstat(fd,buf)"),
    ("_fd_read(fd,iov,iovcnt,pnum", "read(fd,iov,iovcnt,pnum)"),
    ("_fd_seek(fd,offset,whence,newOffset", "seek(fd,offset,whence,newOffset)"),
    ("_fd_close(fd", "close(fd)"),
)


_ENTRY = "async function createWasm(){"
_INSTANCES = (
    ('var info=getWasmImports();if(Module["instantiateWasm"]', 'var info=trampolines.into(getWasmImports());if(Module["instantiateWasm"]'),
    ("new WebAssembly.Instance(wasmModule,getWasmImports())", "new WebAssembly.Instance(wasmModule,trampolines.into(getWasmImports()))"),
    ("function receiveInstance(instance,module){", "function receiveInstance(instance,module){trampolines.connect(instance.exports);"),
)
_LOADING = "var dlopenInternal=(handle,jsflags)=>{var filename=UTF8ToString(handle+36);"


class UnknownBuild(Exception):
    """The launcher is not the one that these changes are for; the message names the code that was not found once."""


def slim(source: str, table_size: int) -> str:
    """The changed launcher. source: the text of `lean.js`. table_size: of the program's function table, which the launcher
    makes and the program imports. Raises UnknownBuild."""
    source = _replace_once(
        source, "newSymIndex=Object.keys(lib.exports).indexOf(symbol);",
        "lib.symIndex??=new Map(Object.keys(lib.exports).map((k,i)=>[k,i]));newSymIndex=lib.symIndex.get(symbol)??-1;")
    source = _keep_used_exports(source)
    source = _replace_once(source, "pthreadPoolSize=4", "pthreadPoolSize=1")
    source = _replace_once(source, 'FS.mount(NODEFS,{root:"/home"},"/home");FS.mount(NODEFS,{root:"/tmp"},"/tmp");', "")
    for head, call in _IN_THREAD:
        proxied = re.escape(f"function {head}){{if(ENVIRONMENT_IS_PTHREAD)return ") + r"(proxyToMainThread\([^;]*\));"
        source, n = re.subn(proxied, lambda m, head=head, call=call: (
            f"function {head}){{if(ENVIRONMENT_IS_PTHREAD)"
            f"{{var own=libraryFiles.{call};return own!==undefined?own:{m.group(1)}}}"), source)
        if n != 1:
            raise UnknownBuild(head)
    source = _replace_once(source, "function ___syscall_openat(", _script("worker_files.js") + "function ___syscall_openat(")
    source = _replace_once(source, _ENTRY, _script("trampolines.js").replace("TABLE_SIZE", str(table_size)) + _ENTRY)
    for old, new in _INSTANCES:
        source = _replace_once(source, old, new)
    return _replace_once(source, _LOADING, _LOADING + (
        'if(filename!==process.env.LEAN_HOST_ENGINE){dlSetError("only the engine is loaded");return 0}'))


def _script(name: str) -> str:
    return (resources.files("lean_alchemy.lean_workspace.embedded") / name).read_text(encoding="utf-8")


def _replace_once(source: str, old: str, new: str) -> str:
    if source.count(old) != 1:
        raise UnknownBuild(old[:60])
    return source.replace(old, new)


def _keep_used_exports(source: str) -> str:
    """`var a,b,c;function assignWasmExports(wasmExports){a=…;b=Module["b"]=…;…}` without the names that are never read."""
    head = "function assignWasmExports(wasmExports){"
    if source.count(head) != 1:
        raise UnknownBuild(head)
    function = source.index(head)
    body = function + len(head)
    end = source.index("}", body)
    declaration = source.rindex("var ", 0, function)
    names = source[declaration + 4:function].rstrip(";").split(",")
    used = set(re.findall(r"[A-Za-z_$][\w$]*", source[:declaration] + source[end:]))
    targets = re.compile(r'^([\w$]+)=|Module\["([^"]+)"\]=')
    kept = [a for a in source[body:end].split(";")
            if a and {t for pair in targets.findall(a) for t in pair if t} & used]
    return (source[:declaration] + "var " + ",".join(n for n in names if n in used) + ";"
            + head + ";".join(kept) + source[end:])
