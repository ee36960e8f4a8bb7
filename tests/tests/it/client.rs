//! The client's pages in a plain browser: files of the browser keep the contract that the host's keep,
//! and the workbench works under its strict policy, with queries that read parts of files.
//!
//! The bundle is built by `cargo xtask test`.

mod server;

use oriel_tests::browser::Browser;
use serde_json::Value;

use server::Pages;

/// A browser at a page of the client.
fn at(pages: &Pages, path: &str) -> Browser {
    let browser = Browser::start();
    browser.visit(pages.addr(), path);
    browser
}

#[test]
fn files_of_a_browser_keep_the_contract() {
    let pages = Pages::start();
    let browser = at(&pages, "/contract");
    browser.eval(
        "(() => { orielContract({ transport: 'opfs', worker: '/contract/opfs-worker.js' })
            .then((report) => { window.report = report; }, (error) => { window.report = String(error); });
        })()",
    );
    browser.until("the contract to be gone through", "window.report !== undefined");
    let report = browser.eval("window.report");
    assert_eq!(report["failed"], Value::Array(Vec::new()), "{report:#}");
    assert!(30 < report["passed"].as_u64().unwrap_or(0), "{report:#}");
}

#[test]
fn the_workbench_asks_a_table_and_reads_a_part_of_it() {
    let pages = Pages::start();
    let browser = at(&pages, "/client/workbench/index.html");
    browser.until("the page", "document.querySelector('[role=tree]') !== null");
    browser.eval(
        "(async () => {
            const top = await navigator.storage.getDirectory();
            const folder = await top.getDirectoryHandle('workspace', { create: true });
            const file = await folder.getFileHandle('runs.csv', { create: true });
            const stream = await file.createWritable();
            const lines = Array.from({ length: 400_000 }, (_, at) => `${at},${at % 7},${'x'.repeat(20)}`);
            await stream.write('id,kind,text\\n' + lines.join('\\n'));
            await stream.close();
        })()",
    );
    ask(&browser, "select kind, count(*) n from 'runs.csv' group by kind order by kind");
    let rows = browser.eval("document.querySelectorAll('.grid-row').length");
    assert_eq!(rows, 8, "seven kinds below the head");
    ask(&browser, "select count(*) n from (select * from 'runs.csv' limit 3)");
    let told = browser.text(".sql [role=status]");
    assert!(told.contains("1 rows") && told.contains(" read in "), "{told}");
    browser.no_trouble(pages.addr(), "the workbench");
}

#[test]
fn the_workbench_makes_edits_and_saves_a_file() {
    let pages = Pages::start();
    let browser = at(&pages, "/client/workbench/index.html");
    browser.until("the page", "document.querySelector('[role=treeitem]') !== null");
    browser.eval(
        "(() => { [...document.querySelectorAll('.tools button')]
            .find((button) => button.textContent === 'New file').click(); })()",
    );
    browser.until("the question", "document.querySelector('dialog[open] input') !== null");
    browser.fill("dialog input", "notes.md");
    browser.click("dialog button[type=submit]");
    browser.until(
        "the editor",
        "document.querySelector('.text')?.shadowRoot?.querySelector('.cm-content') != null",
    );
    browser.eval(
        "(() => { const text = document.querySelector('.text').shadowRoot.querySelector('.cm-content');
            text.focus(); document.execCommand('insertText', false, '# Kept'); })()",
    );
    browser.until("what is not saved to be marked", "document.querySelector('.tab .dot') !== null");
    browser.eval(
        "(() => { [...document.querySelectorAll('.bar button')]
            .find((button) => button.textContent === 'Save').click(); })()",
    );
    browser.until("the mark to go", "document.querySelector('.tab .dot') === null");
    let kept = browser.eval(
        "navigator.storage.getDirectory()
            .then((top) => top.getDirectoryHandle('workspace'))
            .then((folder) => folder.getFileHandle('notes.md'))
            .then((file) => file.getFile()).then((file) => file.text())",
    );
    assert_eq!(kept, "# Kept");
    for (width, dark) in [(360, false), (1280, true), (2560, false)] {
        browser.resize(width, 800);
        browser.prefer(dark);
        let wide = browser.eval("document.documentElement.scrollWidth").as_u64();
        assert!(wide.is_some_and(|wide| wide <= u64::from(width)), "{wide:?} in {width}");
    }
    browser.no_trouble(pages.addr(), "the workbench");
}

/// Asks in the panel of queries, and waits for the end.
fn ask(browser: &Browser, query: &str) {
    browser.eval(
        "(() => { [...document.querySelectorAll('[role=tab]')]
            .find((tab) => tab.textContent === 'SQL').click(); })()",
    );
    browser.until("the panel", "document.querySelector('.question textarea') !== null");
    browser.fill(".question textarea", query);
    browser.click(".question button[type=submit]");
    let over = "/ rows in /.test(document.querySelector('.sql [role=status]')?.textContent ?? '') \
                || document.querySelector('.sql [role=alert]') !== null";
    browser.until("the query to end", over);
    assert!(!browser.has(".sql [role=alert]"), "{}", browser.text(".sql [role=alert]"));
}
