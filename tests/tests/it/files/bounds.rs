//! What a page hands to the functions of its process may be anything, and is answered with an error that
//! says what is wrong. The page lives on, and so does the host.

use oriel_tests::desktop::Workbench;
use serde_json::{Value, json};

/// Opens a file of ten bytes, and has `into` and `from` read and write it.
const OPEN: &str = "const files = t.by('extension'); \
    const handle = await files.open('a.txt', 'readwrite', { direct: true }); \
    const [hi, lo] = t.halves(handle); const bytes = new Uint8Array(4); \
    const into = (...given) => t.code(() => __orielFiles.readInto(...given)); \
    const from = (...given) => t.code(() => __orielFiles.writeFrom(...given)); ";

#[test]
fn a_view_of_any_kind_is_filled_where_it_lies() {
    let workbench = scene();
    let came = check(
        &workbench,
        "const big = new Uint8Array(16).fill(46); \
         const kinds = [Int8Array, Uint8ClampedArray, Uint16Array, Float32Array, Float64Array, BigUint64Array]; \
         const got = []; \
         for (const kind of kinds) got.push((await into(hi, lo, 0, new kind(1))).value); \
         const at = (await into(hi, lo, 2, big.subarray(5, 9))).value; \
         const small = new Uint8Array(3); await into(hi, lo, 7, small); \
         return { got, at, big: String.fromCharCode(...big), small: String.fromCharCode(...small), \
           end: await into(hi, lo, 8, new Uint8Array(4)), past: await into(hi, lo, 1e9, bytes), \
           none: await into(hi, lo, 0, new Uint8Array(0)), put: await from(hi, lo, 0, new Uint8Array(0)) };",
    );
    assert_eq!(came["got"], json!([1, 1, 2, 4, 8, 8]));
    assert_eq!((&came["at"], &came["big"]), (&json!(4), &json!(".....2345.......")));
    assert_eq!(came["small"], "789");
    assert_eq!((&came["end"]["value"], &came["past"]["value"]), (&json!(2), &json!(0)));
    assert_eq!((&came["none"]["value"], &came["put"]["value"]), (&json!(0), &json!(0)));
}

#[test]
fn memory_of_webassembly_is_filled_before_and_after_it_grew_and_where_threads_share_it() {
    let workbench = scene();
    let came = check(
        &workbench,
        "const out = {}; \
         const own = new WebAssembly.Memory({ initial: 1, maximum: 4 }); \
         const before = new Uint8Array(own.buffer, 100, 4); await into(hi, lo, 0, before); \
         out.before = String.fromCharCode(...before); \
         own.grow(1); \
         const after = new Uint8Array(own.buffer, 65536, 4); out.grown = await into(hi, lo, 4, after); \
         out.after = String.fromCharCode(...after); \
         out.kept = String.fromCharCode(...new Uint8Array(own.buffer, 100, 4)); \
         out.old = [before.length, await into(hi, lo, 0, before)]; \
         try { \
           const all = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true }); \
           const view = new Uint8Array(all.buffer, 8, 4); out.shared = await into(hi, lo, 2, view); \
           out.sharedBytes = String.fromCharCode(...view); \
           out.put = await from(hi, lo, 10, view); all.grow(1); \
           out.sharedGrown = await into(hi, lo, 0, new Uint8Array(all.buffer, 65536, 4)); \
         } catch (error) { out.none = String(error); } \
         return out;",
    );
    assert_eq!((&came["before"], &came["after"]), (&json!("0123"), &json!("4567")));
    assert_eq!(came["kept"], "0123", "what is there stays while it grows");
    assert_eq!(came["old"][0], 0, "{came}");
    assert_eq!(came["old"][1]["code"], "bad_message", "{came}");
    if came["none"].is_null() {
        assert_eq!(came["shared"]["value"], 4, "{came}");
        assert_eq!((&came["sharedBytes"], &came["put"]["value"]), (&json!("2345"), &json!(4)));
        assert_eq!(came["sharedGrown"]["value"], 4, "{came}");
    }
}

#[test]
fn a_buffer_that_was_given_away_or_became_too_short_is_an_error() {
    let workbench = scene();
    let came = check(
        &workbench,
        "const out = {}; \
         const gone = new Uint8Array(8); structuredClone(gone.buffer, { transfer: [gone.buffer] }); \
         out.gone = [await into(hi, lo, 0, gone), await from(hi, lo, 0, gone), await t.code(() => __orielFiles.call(gone))]; \
         if ('resizable' in ArrayBuffer.prototype) { \
           const buffer = new ArrayBuffer(16, { maxByteLength: 32 }); \
           const fixed = new Uint8Array(buffer, 8, 8), follows = new Uint8Array(buffer); \
           out.first = await into(hi, lo, 0, fixed); \
           buffer.resize(4); \
           out.short = await into(hi, lo, 0, fixed); out.follows = await into(hi, lo, 0, follows); \
           buffer.resize(32); out.again = await into(hi, lo, 0, follows); \
         } \
         const kept = new Uint8Array(4); await into(hi, lo, 0, kept); \
         try { structuredClone(kept.buffer, { transfer: [kept.buffer] }); out.moved = 'moved'; } catch (error) { out.moved = error.name; } \
         const copy = kept.slice().buffer; out.copied = structuredClone(copy, { transfer: [copy] }).byteLength; \
         return out;",
    );
    for gone in came["gone"].as_array().unwrap() {
        assert_eq!(
            (&gone["code"], &gone["is_error"]),
            (&json!("bad_message"), &json!(true)),
            "{came}"
        );
    }
    if !came["first"].is_null() {
        assert_eq!(came["first"]["value"], 8, "{came}");
        assert_eq!(came["short"]["code"], "bad_message", "{came}");
        assert_eq!((&came["follows"]["value"], &came["again"]["value"]), (&json!(4), &json!(10)));
    }
    // The engine keeps a buffer where it is once its memory was used, and says so; a copy goes.
    assert_eq!((&came["moved"], &came["copied"]), (&json!("TypeError"), &json!(4)));
}

#[test]
fn what_is_no_number_no_view_and_no_handle_is_an_error_and_runs_no_script() {
    let workbench = scene();
    let came = check(
        &workbench,
        "let ran = 0; const trap = { valueOf() { ran++; return 1; }, toString() { ran++; return '1'; } }; \
         const views = [undefined, null, 7, 'text', {}, [], bytes.buffer, new DataView(bytes.buffer), trap, \
           new Proxy(bytes, {}), Object.create(Uint8Array.prototype), Symbol('x'), 7n]; \
         const numbers = [NaN, -1, 0.5, Infinity, -Infinity, 2 ** 53, '0', null, undefined, trap, 0n, {}]; \
         const codes = []; \
         for (const view of views) for (const work of [into, from]) codes.push((await work(hi, lo, 0, view)).code); \
         for (const view of views) codes.push((await t.code(() => __orielFiles.call(view))).code); \
         for (const number of numbers) for (const work of [into, from]) codes.push((await work(hi, lo, number, bytes)).code); \
         for (const number of [...numbers, 2 ** 32]) { \
           codes.push((await into(number, lo, 0, bytes)).code, (await into(hi, number, 0, bytes)).code); \
         } \
         codes.push((await into()).code, (await from()).code, (await t.code(() => __orielFiles.call())).code); \
         const other = await into(hi, (lo ^ 1) >>> 0, 0, bytes); \
         const long = await into(hi, lo, 0, new Uint8Array(8 * 1024 * 1024 + 1)); \
         const longest = await into(hi, lo, 0, new Uint8Array(8 * 1024 * 1024)); \
         const short = await t.code(() => __orielFiles.call(new Uint8Array(31))); \
         const built = await t.code(() => new __orielFiles.call(bytes)); \
         const taken = __orielFiles.readInto; const loose = taken(hi, lo, 0, bytes); \
         const bound = Reflect.apply(__orielFiles.readInto, {}, [hi, lo, 0, bytes]); \
         return { codes: [...new Set(codes)], ran, other, long, longest, short, built, loose, bound };",
    );
    assert_eq!(came["codes"], json!(["bad_message"]), "{came}");
    assert_eq!(came["ran"], 0, "no script of the page runs in between");
    assert_eq!(came["other"]["code"], "bad_handle");
    assert_eq!(
        (&came["long"]["code"], &came["longest"]["value"]),
        (&json!("too_large"), &json!(10))
    );
    assert_eq!(came["short"]["code"], "bad_message");
    assert!(came["built"]["code"].is_string(), "{came}");
    assert_eq!((&came["loose"], &came["bound"]), (&json!(4), &json!(4)));
}

#[test]
fn a_handle_that_was_closed_or_was_opened_otherwise_is_an_error() {
    let workbench = scene();
    let came = check(
        &workbench,
        "const out = {}; \
         await files.close(handle); out.closed = [await into(hi, lo, 0, bytes), await from(hi, lo, 0, bytes)]; \
         const plain = t.halves(await files.open('a.txt', 'readwrite')); out.plain = await into(...plain, 0, bytes); \
         const read = t.halves(await files.open('a.txt', 'read', { direct: true })); \
         out.read = [await into(...read, 0, bytes), await from(...read, 0, bytes)]; \
         const write = t.halves(await files.open('a.txt', 'write', { direct: true })); \
         out.write = [await into(...write, 0, bytes), await from(...write, 4, new TextEncoder().encode('x'))]; \
         const append = t.halves(await files.open('a.txt', 'append', { direct: true })); \
         out.append = await from(...append, 0, new TextEncoder().encode('end')); \
         return out;",
    );
    for closed in came["closed"].as_array().unwrap() {
        assert_eq!(closed["code"], "bad_handle", "{came}");
    }
    assert_eq!(came["plain"]["code"], "bad_handle", "without `direct` nothing is passed: {came}");
    assert_eq!(
        (&came["read"][0]["value"], &came["read"][1]["code"]),
        (&json!(4), &json!("read_only"))
    );
    assert_eq!(
        (&came["write"][0]["code"], &came["write"][1]["value"]),
        (&json!("not_permitted"), &json!(1))
    );
    assert_eq!(came["append"]["value"], 3);
    assert_eq!(std::fs::read_to_string(workbench.path("a.txt")).unwrap(), "0123x56789end");
}

#[test]
fn a_file_that_is_cut_short_ends_where_it_ends_now() {
    let workbench = scene();
    workbench.has("long", vec![7; 1 << 20]);
    let begin = "const files = t.by('extension'); \
        window.held = t.halves(await files.open('long', 'read', { direct: true })); \
        return __orielFiles.readInto(...held, 0, new Uint8Array(1 << 20))";
    assert_eq!(workbench.run(begin), 1 << 20);
    let file = std::fs::OpenOptions::new().write(true).open(workbench.path("long")).unwrap();
    file.set_len(1000).unwrap();
    let again = "return [0, 900, 5000].map((at) => __orielFiles.readInto(...held, at, new Uint8Array(4096)))";
    assert_eq!(workbench.run(again), json!([1000, 100, 0]));
    let by_message = "const files = t.by('command'); \
        const handle = await files.open('long', 'read'); return (await files.read(handle, 0, 4096)).length";
    assert_eq!(workbench.run(by_message), 1000);
}

fn scene() -> Workbench {
    let workbench = Workbench::start();
    workbench.has("a.txt", "0123456789");
    workbench
}

/// Runs steps with an open file, and checks that page and host are there afterwards.
fn check(workbench: &Workbench, steps: &str) -> Value {
    let came = workbench.run(&format!("{OPEN}{steps}"));
    let use_after = workbench.run("return (await t.by('extension').ask('use')).json.handlesMax");
    assert!(use_after.is_u64() && workbench.is_alive(), "{use_after}");
    came
}
