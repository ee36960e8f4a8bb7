//! Everything that a page can ask goes by every way, and what was written by one is there for all.

use oriel_tests::desktop::{WORKSPACE, Workbench};
use serde_json::{Value, json};

use super::{WAYS, number};

/// How many MiB each way moves; `ORIEL_TEST_MIB` says otherwise.
const MIB: [u64; 4] = [256, 16, 16, 2];

#[test]
fn a_page_has_one_object_that_nobody_can_change_and_few_can_see() {
    let workbench = Workbench::start();
    let object = workbench.run(
        "const own = Object.getOwnPropertyDescriptor(window, '__orielFiles'); const value = own.value; \
         try { value.call = 1; } catch { } try { delete window.__orielFiles; } catch { } \
         try { window.__orielFiles = null; } catch { } try { value.call.more = 1; } catch { } \
         return { flags: [own.writable, own.enumerable, own.configurable], keys: Object.keys(value), \
           kinds: Object.values(value).map((one) => typeof one), frozen: Object.isFrozen(value), \
           same: window.__orielFiles === value, listed: Object.keys(window).includes('__orielFiles'), \
           more: value.call.more ?? null }",
    );
    let expected = json!({
        "flags": [false, false, false], "keys": ["call", "readInto", "writeFrom"],
        "kinds": ["function", "function", "function"], "frozen": true, "same": true,
        "listed": false, "more": null,
    });
    assert_eq!(object, expected);
}

#[test]
fn threads_of_the_page_share_memory_that_is_read_into() {
    let workbench = Workbench::start();
    workbench.has("a.txt", "hello");
    let came = workbench.run(
        "const handle = await t.by('extension').open('a.txt', 'read', { direct: true }); \
         const shared = new SharedArrayBuffer(8); const view = new Uint8Array(shared, 2, 5); \
         const got = __orielFiles.readInto(...t.halves(handle), 0, view); \
         const { port1, port2 } = new MessageChannel(); \
         const sent = new Promise((done) => (port2.onmessage = (event) => done(event.data))); \
         port1.postMessage(shared); const other = await sent; \
         return [got, String.fromCharCode(...new Uint8Array(shared)).slice(2, 7), \
           String.fromCharCode(...new Uint8Array(other)).slice(2, 7)]",
    );
    assert_eq!(came, json!([5, "hello", "hello"]));
}

#[test]
fn every_way_opens_reads_writes_replaces_lists_and_watches() {
    let workbench = Workbench::start();
    for way in WAYS {
        std::fs::create_dir(workbench.path(way)).unwrap();
        let came = workbench.run(&format!("const way = '{way}'; {EVERYTHING}"));
        let expected = json!({
            "workspace": WORKSPACE, "read": "hello", "length": 5, "shorter": "he",
            "stat": ["file", 2, "not_found"], "names": ["new.txt", "sub"], "replaced": "all of it",
            "changes": true, "closed": "bad_handle", "left": 0, "denied": "not_found",
        });
        assert_eq!(came, expected, "{way}");
        let text = std::fs::read_to_string(workbench.path(&format!("{way}/new.txt"))).unwrap();
        assert_eq!(text, "all of it", "{way}");
    }
    // A handle is the page's, whatever way it came.
    let across = workbench.run(
        "const handle = await t.by('text').open('text/new.txt', 'read'); const parts = []; \
         for (const way of ['extension', 'command', 'scheme']) \
           parts.push(new TextDecoder().decode(await t.by(way).read(handle, 0, 3))); \
         await t.by('scheme').close(handle); return parts",
    );
    assert_eq!(across, json!(["all", "all", "all"]));
}

/// Asks for nearly everything by one way, in a folder that is called after it.
const EVERYTHING: &str = "\
    const files = t.by(way); const out = {}; const bytes = (words) => new TextEncoder().encode(words); \
    const words = (some) => new TextDecoder().decode(some); \
    const workspace = out.workspace = await files.workspace(); \
    const watch = (await files.said('watch', { workspace, path: way })).handle; \
    const handle = await files.open(`${way}/a.txt`, 'readwrite', { create: 'must' }); \
    await files.write(handle, 0, bytes('hello')); await files.ask('flush', { handle }); \
    out.read = words(await files.read(handle, 0, 100)); \
    out.length = (await files.ask('length', { handle })).offset; \
    await files.ask('set_length', { handle, offset: 2 }); await files.ask('sync', { handle }); \
    out.shorter = words(await files.read(handle, 0, 100)); \
    await files.close(handle); \
    out.closed = (await t.code(() => files.read(handle, 0, 1))).code; \
    const { stats } = (await files.said('stat', { workspace, paths: [`${way}/a.txt`, `${way}/none`] })).json; \
    out.stat = [stats[0].kind, stats[0].length, stats[1].code]; \
    await files.said('make_folder', { workspace, path: `${way}/sub` }); \
    await files.said('rename', { workspace, from: `${way}/a.txt`, to: `${way}/new.txt` }); \
    await files.replace(`${way}/new.txt`, bytes('all of it')); \
    out.names = (await files.said('list', { workspace, path: way })).json.entries.map((entry) => entry.name); \
    const opened = await files.open(`${way}/new.txt`, 'read'); out.replaced = words(await files.read(opened, 0, 100)); \
    await files.close(opened); \
    out.changes = false; \
    for (let tries = 0; tries < 500 && !out.changes; tries++) { \
      const { changes } = (await files.ask('changes', { handle: watch, length: 0 })).json; \
      out.changes = changes.some((change) => change.path.startsWith(`${way}/`)); \
      if (!out.changes) await new Promise((go) => setTimeout(go, 10)); \
    } \
    await files.close(watch); \
    out.denied = (await t.code(() => files.open('../data/authtok', 'read'))).code; \
    out.denied = ['outside', 'bad_name', 'not_found'].includes(out.denied) ? 'not_found' : out.denied; \
    out.left = (await files.ask('use')).json.handles; \
    return out;";

#[test]
fn what_is_written_by_each_way_is_on_disk_and_comes_back_the_same() {
    let workbench = Workbench::start();
    for (way, usual) in WAYS.into_iter().zip(MIB) {
        let mib = number("ORIEL_TEST_MIB", usual);
        let came = workbench.run_long(&format!(
            "const files = t.by('{way}'), MIB = 1 << 20, many = {mib}; const piece = new Uint8Array(MIB); \
             const handle = await files.open('{way}.bin', 'readwrite', {{ create: 'may', truncate: true, direct: true }}); \
             const [hi, lo] = t.halves(handle); const quick = '{way}' === 'extension'; let at = performance.now(); \
             for (let nth = 0; nth < many; nth++) {{ \
               t.fill(piece, nth * MIB); \
               if (quick) {{ if (__orielFiles.writeFrom(hi, lo, nth * MIB, piece) !== MIB) throw 'cut short'; }} \
               else await files.write(handle, nth * MIB, piece); \
             }} \
             await files.ask('flush', {{ handle }}); const wrote = performance.now() - at; at = performance.now(); \
             let stray = -1; \
             for (let nth = 0; nth < many && stray < 0; nth++) {{ \
               let back = piece; \
               if (quick) {{ piece.fill(0); if (__orielFiles.readInto(hi, lo, nth * MIB, piece) !== MIB) throw 'cut short'; }} \
               else back = (await files.read(handle, nth * MIB, MIB)).slice(); \
               stray = t.stray(back, nth * MIB); \
             }} \
             const read = performance.now() - at; await files.close(handle); \
             return {{ stray, wrote, read }}"
        ));
        assert_eq!(came["stray"], -1, "{way}: {came}");
        let bytes = std::fs::read(workbench.path(&format!("{way}.bin"))).unwrap();
        assert_eq!(bytes.len() as u64, mib << 20, "{way}");
        let is_right = bytes.chunks_exact(4).zip(0_u32..).all(|(word, nth)| {
            u32::from_le_bytes(word.try_into().unwrap()) == nth.wrapping_mul(0x9e37_79b1)
        });
        assert!(is_right, "{way} wrote something else");
        std::fs::remove_file(workbench.path(&format!("{way}.bin"))).unwrap();
        let rate = |name: &str| (mib << 20) as f64 / came[name].as_f64().unwrap() / 1e6;
        println!("{way}: wrote {:.2} GB/s, read {:.2} GB/s", rate("wrote"), rate("read"));
    }
}

#[test]
fn a_file_is_a_picture_and_an_answer_with_ranges() {
    let workbench = Workbench::start();
    workbench.has("a b.txt", "0123456789");
    workbench.has("dot.svg", DOT);
    std::fs::create_dir(workbench.path("folder")).unwrap();
    let came = workbench.run(&format!(
        "const at = (path) => `orielfs://localhost/file/{WORKSPACE}/${{path}}`; \
         const got = async (path, range, method = 'GET') => {{ \
           const answer = await fetch(at(path), {{ method, headers: range ? {{ range }} : {{}} }}); \
           return [answer.status, answer.headers.get('content-range'), answer.headers.get('content-type'), (await answer.text()).slice(0, 40)]; \
         }}; \
         const picture = await new Promise((done) => {{ \
           const image = new Image(); image.onload = () => done(image.naturalWidth); image.onerror = () => done('none'); \
           image.src = at('dot.svg'); \
         }}); \
         return {{ whole: await got('a%20b.txt'), part: await got('a%20b.txt', 'bytes=2-5'), end: await got('a%20b.txt', 'bytes=-3'), \
           head: await got('a%20b.txt', null, 'HEAD'), nowhere: await got('a%20b.txt', 'bytes=99-'), \
           none: (await got('none'))[0], folder: (await got('folder'))[0], out: (await got('..%2Fdata%2Fauthtok'))[0], picture }}"
    ));
    let plain = "text/plain; charset=utf-8";
    assert_eq!(came["whole"], json!([200, null, plain, "0123456789"]), "{came}");
    assert_eq!(came["part"], json!([206, "bytes 2-5/10", plain, "2345"]), "{came}");
    assert_eq!(came["end"], json!([206, "bytes 7-9/10", plain, "789"]), "{came}");
    assert_eq!(came["head"], json!([200, null, plain, ""]), "{came}");
    assert_eq!((&came["nowhere"][0], &came["nowhere"][1]), (&json!(416), &json!("bytes */10")));
    assert_eq!(came["none"], 404, "{came}");
    for what in ["folder", "out"] {
        let status = came[what].as_u64().unwrap();
        assert!((400..500).contains(&status), "{what}: {came}");
    }
    assert_eq!(came["picture"], 7, "{came}");
}

/// A picture that is seven wide.
const DOT: &str =
    "<svg xmlns='http://www.w3.org/2000/svg' width='7' height='7'><circle r='3'/></svg>";

#[test]
fn a_folder_that_may_only_be_read_is_only_read() {
    let workbench = Workbench::with(&oriel_tests::desktop::Options::new(), "read");
    workbench.has("a.txt", "hello");
    for way in WAYS {
        let came = workbench.run(&format!(
            "const files = t.by('{way}'); const codes = []; \
             for (const mode of ['write', 'readwrite', 'append']) \
               codes.push((await t.code(() => files.open('a.txt', mode, {{ direct: true }}))).code); \
             codes.push((await t.code(() => files.replace('a.txt', new Uint8Array(3)))).code); \
             const handle = await files.open('a.txt', 'read', {{ direct: true }}); \
             codes.push((await t.code(() => files.write(handle, 0, new Uint8Array(3)))).code); \
             return codes"
        ));
        let codes: Vec<&Value> = came.as_array().unwrap().iter().collect();
        assert!(codes.iter().all(|code| **code == "read_only"), "{way}: {came}");
    }
    assert_eq!(std::fs::read_to_string(workbench.path("a.txt")).unwrap(), "hello");
}
