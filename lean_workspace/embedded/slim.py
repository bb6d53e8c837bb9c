"""Changes the package's 89 MB JavaScript launcher into one that Node starts in seconds.

Each change must apply exactly once, so that another build is rejected instead of half-changed:

1. Each thread copied the 201,110 exports into three objects, and `dlsym` searched them one by one; now they are looked up by name
   (symbols.js).
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
_SYMBOLS = (
    ('mergeLibSymbols(wasmExports,"main");', "programSymbols.inherit(wasmExports);"),
    ("updateGOT(origExports);LDSO.init();", "programSymbols.resolve(origExports);LDSO.init();"),
    ("if(entry.value==-1){var value=resolveGlobalSymbol(symName,true).sym;",
     "if(entry.value==-1){var address=programSymbols.address(symName);if(address!==undefined){entry.value=address;continue}"
     "var value=resolveGlobalSymbol(symName,true).sym;"),
    ("var updateGOT=(exports,replace)=>{for(var symName in exports){if(isInternalSym(symName)){continue}",
     "var updateGOT=(exports,replace)=>{for(var symName in exports){if(isInternalSym(symName)||!replace&&!(symName in GOT)){continue}"),
    ("newSymIndex=Object.keys(lib.exports).indexOf(symbol);if(newSymIndex==-1||lib.exports[symbol].stub){",
     "if(!(symbol in lib.exports)||lib.exports[symbol].stub){"),
    ("var addr=getFunctionAddress(result);if(addr){result=addr}",
     "var addr=lib.exports===wasmImports&&programSymbols.address(symbol)||getFunctionAddress(result);if(addr){result=addr}"),
    ("(growMemViews(),HEAPU32)[symbolIndex>>2]=newSymIndex",
     "(growMemViews(),HEAPU32)[symbolIndex>>2]=programSymbols.names(lib.exports).indexOf(symbol)"),
    ("var symName=Object.keys(symDict)[symbolIndex];", "var symName=programSymbols.names(symDict)[symbolIndex];"),
)
_LOADING = "var dlopenInternal=(handle,jsflags)=>{var filename=UTF8ToString(handle+36);"


class UnknownBuild(Exception):
    """The launcher is not the one that these changes are for; the message names the code that was not found once."""


def slim(source: str, table_size: int) -> str:
    """The changed launcher. source: the text of `lean.js`. table_size: of the program's function table, which the launcher
    makes and the program imports. Raises UnknownBuild."""
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
    trampolines = _script("trampolines.js").replace("TABLE_SIZE", str(table_size))
    source = _replace_once(source, _ENTRY, trampolines + _script("symbols.js") + _ENTRY)
    for old, new in (*_INSTANCES, *_SYMBOLS):
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
