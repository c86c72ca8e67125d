(() => {
  "use strict";
  const { apply, ownKeys, getPrototypeOf } = Reflect;
  const { freeze, defineProperty, getOwnPropertyDescriptor } = Object;
  const MOST_ITEMS = 100000;
  const MOST_STEPS = 100000000;

  // What differs from one evaluation to the next, or makes code out of text.
  for (const name of [
    "eval", "Function", "BigInt", "WeakMap", "WeakSet", "WeakRef", "FinalizationRegistry", "Atomics", "SharedArrayBuffer",
    "queueMicrotask", "performance", "navigator", "Promise", "Date", "Intl", "InternalError", "gc",
  ]) {
    delete globalThis[name];
  }
  delete Math.random;
  for (const make of [() => {}, function* () {}, async () => {}, async function* () {}]) {
    delete getPrototypeOf(make).constructor;
  }

  // Loops inside the interpreter that nothing else would interrupt.
  const bounded = (home, names, check) => {
    for (const name of names) {
      const original = home[name];
      if (original === undefined) continue;
      const { [name]: guarded } = {
        [name](...given) {
          check(this, given);
          return apply(original, this, given);
        },
      };
      defineProperty(home, name, { ...getOwnPropertyDescriptor(home, name), value: guarded });
    }
  };
  const few = (list) => {
    if (list != null && list.length > MOST_ITEMS) {
      throw new RangeError(`a list of more than ${MOST_ITEMS} items is too long`);
    }
  };
  bounded(Array.prototype, [
    "at", "concat", "copyWithin", "fill", "includes", "indexOf", "join", "lastIndexOf", "pop", "push", "reverse", "shift",
    "slice", "sort", "splice", "toReversed", "toSorted", "toSpliced", "toString", "unshift", "values", "with",
  ], few);
  bounded(Array, ["from"], (_, [list]) => few(list));
  bounded(Reflect, ["apply", "construct"], (_, [, list, more]) => (few(list), few(more)));
  delete Array.fromAsync;
  defineProperty(Array.prototype, "flat", {
    configurable: true,
    writable: true,
    value: function flat(depth = 1) {
      few(this);
      return this.reduce((all, one) => {
        if (Array.isArray(one) && depth > 0) all.push(...one.flat(depth - 1));
        else all.push(one);
        return all;
      }, []);
    },
  });
  const short = (text, given) => {
    for (const needle of given) {
      if (typeof needle === "string" && String(text).length * needle.length > MOST_STEPS) {
        throw new RangeError("the texts are too long to look for one in the other");
      }
    }
  };
  bounded(String.prototype, [
    "endsWith", "includes", "indexOf", "lastIndexOf", "replace", "replaceAll", "split", "startsWith",
  ], short);

  // Nothing of one evaluation is left for the next.
  const seen = new Set();
  const still = (thing) => {
    if ((typeof thing !== "object" && typeof thing !== "function") || thing === null || seen.has(thing)) return;
    seen.add(thing);
    freeze(thing);
    still(getPrototypeOf(thing));
    for (const key of ownKeys(thing)) {
      const { value, get, set } = getOwnPropertyDescriptor(thing, key);
      still(value);
      still(get);
      still(set);
    }
  };
  // their prototypes are found through an instance only
  for (const one of [[][Symbol.iterator](), new Map().entries(), new Set().values(), ""[Symbol.iterator](), "".matchAll(/x/g),
    function* () {}, (function* () {})(), Iterator.from([]).map((one) => one)]) {
    still(one);
    still(getPrototypeOf(one));
  }
  still(globalThis);

  const known = {
    get(fields, name) {
      if (typeof name === "string" && !(name in fields)) {
        throw new ReferenceError(`the record has no field "${name}"; a field is named in full, as record.city or record["city"]`);
      }
      return fields[name];
    },
  };
  freeze(known);
  return (run, value, fields) => {
    freeze(fields);
    const record = new Proxy(fields, known);
    const got = run(value, record);
    return typeof got === "function" ? got(value, record) : got;
  };
})()
