//! Whoever has no mouse gets everywhere.

use oriel_tests::browser::Key;

use super::Scene;

/// More steps than any page has places to go to.
const STEPS_MAX: usize = 200;

#[test]
fn the_keyboard_reaches_everything_and_its_shortcuts_are_listed() {
    let scene = Scene::new();
    let browser = &scene.browser;
    scene.visit("/status");

    let tab = || browser.press(&[Key::Tab.into()]);
    let focused = |selector: &str| {
        browser.eval(&format!("!!document.activeElement.closest('{selector}')")) == true
    };
    tab();
    assert!(focused("a.skip"), "the first step is the way past the navigation");
    browser.press(&[Key::Enter.into()]);
    browser.until("the skip link to lead to the page", "document.activeElement.id === 'main'");

    scene.visit("/status");
    let mut seen = 0;
    for _ in 0..STEPS_MAX {
        tab();
        if !focused("#nav") && 1 < seen {
            break;
        }
        seen += usize::from(focused("#nav"));
    }
    let links = browser.eval("document.querySelectorAll('#nav a[href]').length").as_u64();
    assert!(links <= Some(seen as u64), "{seen} stops in the navigation for {links:?} links");

    let outlined = "getComputedStyle(document.querySelector('#nav a:focus-visible')).outlineStyle";
    browser.eval("document.querySelector('#nav a').focus()");
    browser.press(&[Key::Tab.into()]);
    assert_ne!(browser.eval(outlined), "none", "one sees where one is");

    browser.eval("document.activeElement.blur()");
    browser.press(&['?']);
    browser.until("the list of shortcuts", "document.querySelector('dialog#help').open");
    let listed = browser.text("dialog#help");
    for label in ["Sessions", "Costs", "Search"] {
        assert!(listed.contains(label), "{listed}");
    }
    browser.press(&[Key::Escape.into()]);
    browser.until("the list to close", "!document.querySelector('dialog#help').open");

    let goes = browser.eval(
        "[...document.querySelectorAll('#nav [data-goes]')].map((a) => [a.dataset.goes, a.getAttribute('href')])",
    );
    let mut went = 0;
    for goal in goes.as_array().into_iter().flatten() {
        let (key, path) = (goal[0].as_str().unwrap(), goal[1].as_str().unwrap());
        if scene.console.get(path).status != 200 {
            continue;
        }
        // A page may begin in its field for searching, which Escape leaves.
        browser.press(&[Key::Escape.into()]);
        browser.press(&['g', key.chars().next().unwrap()]);
        browser.until(
            &format!("g {key} to lead to {path}"),
            &format!("location.pathname === '{path}'"),
        );
        let settled = format!("document.querySelector('#nav a[href=\"{path}\"][aria-current]')");
        browser.until(&format!("{path} to be there"), &settled);
        went += 1;
    }
    assert!(1 < went);

    if browser.has("dialog#palette") {
        browser.chord(Key::Control, 'k');
        browser.until("the palette", "document.querySelector('dialog#palette').open");
        browser.press(&[Key::Escape.into()]);
        browser.until("the palette to close", "!document.querySelector('dialog#palette').open");
    }
    scene.no_trouble("the keyboard");
}
