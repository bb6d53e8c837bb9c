// The symbols that the program exports, looked up by name when somebody asks for one.
//
// Every thread has its own JavaScript, and Emscripten's copies all 201,110 exports into three objects there: `wasmImports`, the
// function table and the global offset table. That took each thread 1.5 s. Of the offsets some 900 are ever asked for. Here:
// - `wasmImports` inherits the exports: what JavaScript defines itself still comes first.
// - All exported functions are in the function table, in the order of the exports, because an address has to be the same in each
//   thread. They are put there in one go.
// - An offset is made when it is asked for.
// slim.py inserts this into lean.js.
var programSymbols = (() => {
  let addresses;
  return {
    // Once the program's exports are there.
    inherit(exports) {
      for (const name of Object.keys(wasmImports))
        if (wasmImports[name]?.stub && name in exports) delete wasmImports[name];
      Object.setPrototypeOf(wasmImports, exports);
      // The program's `main` has either name.
      for (const [name, other] of [["main", "__main_argc_argv"], ["__main_argc_argv", "main"]])
        if (!isSymbolDefined(name) && exports[other]) wasmImports[name] = exports[other];
    },

    // Once the function table is there.
    resolve(exports) {
      const known = new Map(), added = [], size = wasmTable.length;
      for (let i = size - 1; i >= 0; i--) known.set(wasmTable.get(i), i);
      addresses = new Map();
      for (const name in exports) {
        const value = exports[name];
        if (typeof value !== "function") continue;
        let address = known.get(value);
        if (address === undefined) {
          address = size + added.push(value) - 1;
          known.set(value, address);
        }
        addresses.set(name, address);
      }
      wasmTable.grow(added.length);
      added.forEach((value, i) => wasmTable.set(size + i, value));
      functionsInTableMap = new WeakMap(); // of functions without a name here
      for (const name in GOT) {
        if (GOT[name].value !== -1 || isInternalSym(name) || !(name in exports)) continue;
        GOT[name].value = addresses.get(name) ?? exports[name].value;
      }
    },

    // The address of a function of the program; undefined for a function of JavaScript or of the engine.
    address: (name) => (Object.hasOwn(wasmImports, name) ? undefined : addresses.get(name)),

    // All names of a library, in an order that is the same in each thread.
    names(library) {
      const found = [];
      for (const name in library) found.push(name);
      return found;
    },
  };
})();
