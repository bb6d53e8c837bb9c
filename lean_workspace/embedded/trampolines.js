// Calls that may throw, without leaving WebAssembly.
//
// A C++ call that has something to clean up after an exception is compiled to `invoke_SIGNATURE(index, …)`: JavaScript that
// calls the table's entry in a `try`. Lean's kernel and its interpreter make them all the time. Here each is a WebAssembly
// function that does the same, in a module that shares the program's table; JavaScript is left what is thrown, and calls of an
// entry whose type is not the signature's, which it allows. slim.py inserts it into lean.js.
var trampolines = (() => {
  const types = { v: [], i: [0x7f], j: [0x7e], f: [0x7d], d: [0x7c] };
  const zero = { v: [], i: [0x41, 0], j: [0x42, 0], f: [0x43, 0, 0, 0, 0], d: [0x44, 0, 0, 0, 0, 0, 0, 0, 0] };
  const EXTERNREF = 0x6f, FUNCREF = 0x70, VOID = 0x40;

  const number = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...number(n >>> 7)]);
  const signed = (n) => (n < 64 ? [n] : [(n & 127) | 128, ...signed(n >>> 7)]); // not below zero
  const vector = (items) => [...number(items.length), ...items.flat()];
  const text = (s) => vector([...Buffer.from(s)].map((c) => [c]));
  const section = (id, items) => { const body = vector(items); return [id, ...number(body.length), ...body]; };
  const signature = (parameters, result) => [0x60, ...vector(parameters.flat().map((t) => [t])), ...vector(result.map((t) => [t]))];

  // names: `invoke_vii`, …: the result and the arguments.
  function binary(names, tableSize) {
    const kinds = names.map((name) => name.slice("invoke_".length));
    const parameters = (kind) => [...kind.slice(1)].map((c) => types[c]);
    const STACK = 0, CAUGHT = 1, TAG = 2, FIRST = 3; // types
    const called = (k) => FIRST + 2 * k, own = (k) => FIRST + 2 * k + 1;
    const body = (kind, k) => {
      const sp = kind.length; // the local after the index and the arguments
      const block = kind[0] === "v" ? VOID : types[kind[0]][0];
      const args = [...kind.slice(1)].flatMap((_, i) => [0x20, i + 1]);
      const code = [
        0x20, 0, 0x25, 0, 0xfb, 0x14, ...signed(called(k)), // is the table's entry of this type?
        0x04, block, // if
        0x41, 0, 0x11, STACK, 1, 0x21, sp, // sp = stack pointer
        0x06, block, ...args, 0x20, 0, 0x11, ...number(called(k)), 0, // try
        0x07, 0, 0x20, sp, 0x10, 0, ...zero[kind[0]], // catch: caught(e, sp)
        0x0b,
        0x05, 0x20, 0, ...args, 0x10, ...number(1 + k), // else JavaScript's own
        0x0b, 0x0b];
      const locals = [1, 1, 0x7f];
      return [...number(locals.length + code.length), ...locals, ...code];
    };
    return new Uint8Array([
      0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
      ...section(1, [signature([], types.i), signature([[EXTERNREF], types.i], []), signature([[EXTERNREF]], []),
        ...kinds.flatMap((kind) => [signature(parameters(kind), types[kind[0]]), signature([types.i, ...parameters(kind)], types[kind[0]])])]),
      ...section(2, [[...text("a"), ...text("table"), 1, FUNCREF, 0, ...number(tableSize)], [...text("a"), ...text("caught"), 0, CAUGHT],
        [...text("a"), ...text("tag"), 4, 0, TAG],
        ...names.map((name, k) => [...text("o"), ...text(name), 0, ...number(own(k))])]),
      ...section(3, kinds.map((_, k) => number(own(k)))),
      ...section(4, [[FUNCREF, 0, 1]]),
      ...section(7, [...names.map((name, k) => [...text(name), 0, ...number(1 + names.length + k)]), [...text("own"), 1, 1]]),
      ...section(10, kinds.map(body)),
    ]);
  }

  let exported;
  return {
    // Adds the table and the trampolines to what the program imports.
    into(imports) {
      const table = new WebAssembly.Table({ element: "anyfunc", initial: TABLE_SIZE });
      const names = Object.keys(imports.env).filter((name) => name.startsWith("invoke_"));
      const caught = (e, sp) => { stackRestore(sp); if (e !== e + 0) throw e; _setThrew(1, 0); };
      const module = new WebAssembly.Module(binary(names, TABLE_SIZE));
      exported = new WebAssembly.Instance(module, { a: { table, caught, tag: WebAssembly.JSTag }, o: imports.env }).exports;
      for (const name of names) imports.env[name] = exported[name];
      imports.env.__indirect_function_table = table;
      return imports;
    },
    // Once the program is there: where its stack pointer is.
    connect(program) {
      exported.own.set(0, program.emscripten_stack_get_current);
    },
  };
})();
