//! The program's life: as long as its host wants it, and whatever becomes of its parts.

use rustix::process::{Pid, Signal, kill_process};

use crate::preview::Preview;
use crate::wait::until;
use crate::web::{Site, page};

#[test]
fn a_page_that_takes_the_engine_down_leaves_the_window() {
    let (_site, mut preview) = shown();
    let (engine, _) = web_process(&preview);
    kill(engine);
    preview.wait_for("the crash", |told| told["is"] == "crashed");
    preview.display.window("Preview — page.example");
    preview.open_and_see("http://page.example/again", "Page");
    // What Reload asks for after a crash is the page that crashed.
    let (engine, _) = web_process(&preview);
    kill(engine);
    preview.wait_for("the crash", |told| told["is"] == "crashed");
    preview.display.press("Preview", (140, 22));
    preview.wait_for("the page", |told| {
        told["is"] == "at" && told["url"] == "http://page.example/again"
    });
}

#[test]
fn lines_that_cannot_be_read_do_no_harm() {
    let (_site, mut preview) = shown();
    preview.write(&[b'x'; 100_000]);
    preview.write(b"\n\xff\xfe\n{\"do\":\"dance\"}\n[]\n{\"do\":\"open\",\"url\":\"nowhere\"}\n\n");
    preview.write(b"{\"do\":\"focus\"}\n");
    preview.open_and_see("http://page.example/after", "Page");
}

#[test]
fn it_ends_when_its_host_does() {
    let (_site, mut preview) = shown();
    preview.close_input();
    assert!(preview.end());
    preview.rest();
    assert_eq!(preview.told.last().unwrap()["is"], "closed");
}

#[test]
fn killed_it_leaves_nothing_behind() {
    let (_site, mut preview) = shown();
    let family = preview.processes();
    assert!(family.iter().any(|(_, name)| name.contains("WebKitNetwork")), "{family:?}");
    preview.child.kill().unwrap();
    assert!(!preview.end());
    for (id, name) in family {
        until(&format!("the end of {name}"), || {
            let now = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            (now.is_empty() || now.contains(") Z ")).then_some(())
        });
    }
}

fn shown() -> (Site, Preview) {
    let site = Site::start(|_| page("Page", ""));
    let mut preview = Preview::start(&[("page.example:80", site.address)]);
    preview.open_and_see("http://page.example/", "Page");
    (site, preview)
}

/// The process that runs the page.
fn web_process(preview: &Preview) -> (u32, String) {
    until("the engine", || {
        preview.processes().into_iter().rev().find(|(_, name)| name.starts_with("WebKitWebProces"))
    })
}

fn kill(id: u32) {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).expect("a process has a number");
    kill_process(id, Signal::KILL).expect("it is there");
}
