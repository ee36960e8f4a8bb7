//! A grant that is taken back ends what was opened by it, at the next use and without one.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use oriel_hostfs::{Config, Files, Grants, Limits};
use oriel_wire::hostfs::{Code, Mode, Named, Open, Watch, WorkspaceAccess};

use crate::desk::{LABEL, asks, until};

#[expect(clippy::disallowed_methods, reason = "a test reads the clock as `main` does")]
fn now() -> SystemTime {
    SystemTime::now()
}

struct Office {
    folder: tempfile::TempDir,
    files: Arc<Files>,
    told: Arc<Mutex<Vec<String>>>,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("granted")).unwrap();
        let grants = Grants::stored(folder.path().join("kept/grants.json")).unwrap();
        let files = Files::new(Config { grants, limits: Limits::default() });
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        files.on_revoked(move |label| heard.lock().unwrap().push(label.to_owned()));
        Self { folder, files, told }
    }

    fn grant(&self, access: WorkspaceAccess) -> String {
        let root = self.folder.path().join("granted");
        self.files.grants().add(LABEL, &root, access, now()).unwrap().id.0
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

fn of(workspace: &str, mode: Mode) -> Open {
    Open { workspace: workspace.to_owned(), ..asks("a", mode) }
}

#[test]
fn a_handle_ends_with_its_grant_and_what_it_wrote_stays() {
    let office = Office::new();
    let id = office.grant(WorkspaceAccess::ReadWrite);
    let page = office.files.surface(LABEL);
    assert_eq!(page.workspaces().workspaces.len(), 1);
    let (handle, _) = page.open(&of(&id, Mode::ReadWrite)).unwrap();
    let watching = Watch { workspace: id.clone(), path: String::new() };
    let watching = page.watch(&watching).unwrap();
    page.write_at(handle, 0, b"kept").unwrap();
    assert!(office.files.grants().revoke(&id).unwrap());

    assert_eq!(page.read_at(handle, 0, &mut [0; 4]).unwrap_err().code, Code::Revoked);
    assert_eq!(page.changes(watching, Duration::ZERO).unwrap_err().code, Code::Revoked);
    let named = Named { workspace: id.clone(), path: "a".to_owned() };
    assert_eq!(page.stat_one(&named).unwrap_err().code, Code::NoGrant);
    assert_eq!(page.open(&of(&id, Mode::Read)).unwrap_err().code, Code::NoGrant);
    assert_eq!(office.told(), [LABEL]);
    assert_eq!(page.limits_used().handles, 0);
    let written = std::fs::read(office.folder.path().join("granted/a")).unwrap();
    assert_eq!(written, b"kept");
    assert_eq!(page.close(handle).unwrap_err().code, Code::Revoked, "told, and forgotten");
    assert_eq!(page.close(handle).unwrap_err().code, Code::BadHandle);
}

#[test]
fn a_page_that_asks_nothing_loses_its_handles_too() {
    let office = Office::new();
    let id = office.grant(WorkspaceAccess::ReadWrite);
    let page = office.files.surface(LABEL);
    page.open(&of(&id, Mode::Write)).unwrap();
    // Another process, as far as this engine knows.
    let elsewhere = Grants::stored(office.folder.path().join("kept/grants.json")).unwrap();
    assert!(elsewhere.revoke(&id).unwrap());
    until("the word of it", || office.told() == [LABEL]);
}

#[test]
fn a_handle_to_write_ends_when_the_grant_is_only_to_read_and_others_stay() {
    let office = Office::new();
    let id = office.grant(WorkspaceAccess::ReadWrite);
    let page = office.files.surface(LABEL);
    let (handle, _) = page.open(&of(&id, Mode::Write)).unwrap();
    let (other, other_page) = {
        let root = office.folder.path().join("granted");
        let grants = office.files.grants();
        let grant = grants.add("console", &root, WorkspaceAccess::ReadWrite, now()).unwrap();
        let page = office.files.surface("console");
        (page.open(&of(&grant.id.0, Mode::Write)).unwrap().0, page)
    };
    assert_eq!(office.grant(WorkspaceAccess::Read), id);
    assert_eq!(page.write_at(handle, 0, b"x").unwrap_err().code, Code::Revoked);
    assert_eq!(page.open(&of(&id, Mode::Write)).unwrap_err().code, Code::ReadOnly);
    page.open(&of(&id, Mode::Read)).unwrap();
    other_page.write_at(other, 0, b"x").unwrap();
    assert_eq!(office.told(), [LABEL]);
}

#[test]
fn a_page_that_asks_for_its_folders_first_keeps_no_handle_that_it_may_not_have() {
    let office = Office::new();
    let id = office.grant(WorkspaceAccess::ReadWrite);
    let page = office.files.surface(LABEL);
    let (handle, _) = page.open(&of(&id, Mode::ReadWrite)).unwrap();
    office.grant(WorkspaceAccess::Read);
    let folders = page.workspaces().workspaces;
    assert_eq!(folders[0].access, WorkspaceAccess::Read);
    assert_eq!(page.write_at(handle, 0, b"x").unwrap_err().code, Code::Revoked);
    assert_eq!(office.told(), [LABEL]);
}

#[test]
fn a_page_that_waits_for_changes_is_let_go_when_it_ends() {
    let office = Office::new();
    let id = office.grant(WorkspaceAccess::Read);
    let page = office.files.surface(LABEL);
    let handle = page.watch(&Watch { workspace: id, path: String::new() }).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| page.changes(handle, Duration::from_secs(30)));
        page.close(handle).unwrap();
        // Whether it waited already or came too late, it returns.
        match waiting.join().unwrap() {
            Ok(changes) => assert!(changes.changes.is_empty()),
            Err(error) => assert_eq!(error.code, Code::BadHandle),
        }
    });
}
