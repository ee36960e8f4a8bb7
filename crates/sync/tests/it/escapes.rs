//! Nothing outside the folder is read or changed, whatever somebody puts into it at whatever moment.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use oriel_sync::folder::{Options, Resolving};
use oriel_sync::look::Seen;
use oriel_sync::op::Outcome;
use oriel_sync::vfs::{Fault, Place, Vfs as _};
use oriel_wire::sync::{Entry, LinkTarget, Problem, RelPath};

use crate::world::{World, rel};

const SECRET: &[u8] = b"of nobody here";

#[test]
fn a_link_that_takes_the_place_of_a_folder_meanwhile_leads_nowhere() {
    for resolving in [Resolving::Best, Resolving::Steps] {
        let options = Options { resolving, ..Options::default() };
        let world = World::on(tempfile::tempdir().unwrap(), options);
        let outside = outside();
        fs::create_dir(world.path("folder")).unwrap();
        fs::write(world.path("folder/secret"), "inside").unwrap();
        symlink(outside.path(), world.path("link")).unwrap();
        let is_over = AtomicBool::new(false);
        let swaps = thread::scope(|scope| {
            let swapper = scope.spawn(|| {
                let mut swaps = 0;
                while !is_over.load(Ordering::Relaxed) || swaps < 10_000 {
                    swap(&world.path("folder"), &world.path("link"));
                    swaps += 1;
                }
                swaps
            });
            let new = world.keep(b"new");
            let absent = Seen { entry: Entry::Absent, stat: None };
            for round in 0..300 {
                let _ = world.apply(&format!("folder/new{round}"), absent.clone(), new.clone());
                reads_inside_only(&world);
            }
            while !swapper.is_finished() {
                is_over.store(true, Ordering::Relaxed);
                reads_inside_only(&world);
                let path = rel("folder/made");
                let _ = world.folder.make_dir(Place::Tree(&path));
                let _ = world.folder.remove_dir(Place::Tree(&path));
            }
            swapper.join().unwrap()
        });
        assert!(swaps >= 10_000);
        let there: Vec<_> = fs::read_dir(outside.path()).unwrap().collect();
        assert_eq!(there.len(), 1, "{there:?}");
        assert_eq!(fs::read(outside.path().join("secret")).unwrap(), SECRET);
    }
}

fn reads_inside_only(world: &World) {
    let path = rel("folder/secret");
    if let Ok(file) = world.folder.open(Place::Tree(&path)) {
        let mut buffer = [0; 64];
        let count = world.folder.read(&file, 0, &mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"inside");
    }
    let folder = rel("folder");
    for named in world.folder.list(Some(&folder)).unwrap_or_default() {
        assert_ne!(named.stat.size, SECRET.len() as u64, "it is listed from outside");
    }
    let _ = world.folder.watch(Some(&folder));
}

fn swap(one: &std::path::Path, other: &std::path::Path) {
    let exchange = rustix::fs::RenameFlags::EXCHANGE;
    rustix::fs::renameat_with(rustix::fs::CWD, one, rustix::fs::CWD, other, exchange).unwrap();
}

#[test]
fn a_link_in_the_middle_of_a_path_is_never_followed() {
    for resolving in [Resolving::Best, Resolving::Steps] {
        let options = Options { resolving, ..Options::default() };
        let world = World::on(tempfile::tempdir().unwrap(), options);
        let outside = outside();
        symlink(outside.path(), world.path("link")).unwrap();
        fs::create_dir(world.path("real")).unwrap();
        symlink("real", world.path("within")).unwrap();
        for text in ["link/secret", "within/file", "link/new"] {
            let path = rel(text);
            let tree = Place::Tree(&path);
            assert_eq!(world.folder.lstat(tree), Ok(None), "{text}");
            assert_eq!(world.folder.open(tree).unwrap_err(), Fault::NotThere, "{text}");
            assert_eq!(world.folder.make_dir(tree), Err(Fault::NotThere), "{text}");
            assert_eq!(world.folder.remove_dir(tree), Err(Fault::NotThere), "{text}");
            assert_eq!(world.put(text, b"new").outcome, Outcome::Changed, "{text}");
        }
        assert_eq!(world.folder.list(Some(&rel("link"))), Err(Fault::NotThere));
        assert_eq!(world.folder.watch(Some(&rel("link"))), Err(Fault::NotThere));
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(world.path("real")).unwrap().count(), 0);
    }
}

#[test]
fn links_that_lead_out_are_told_and_never_made() {
    let world = World::new();
    let outside = outside();
    symlink(outside.path().join("secret"), world.path("absolute")).unwrap();
    symlink("../contents", world.path("up")).unwrap();
    symlink("..", world.path("above")).unwrap();
    for path in ["absolute", "up", "above"] {
        assert_eq!(world.look(path).entry, Entry::Problem(Problem::LinkOutside), "{path}");
    }
    for text in ["..", "a/../../b", "/etc/passwd", ".oriel/root-id", ".ORIEL/x", "a//b", ""] {
        assert!(RelPath::parse(text).is_err(), "{text}");
    }
    for text in ["/etc", "../x", "a/../../x"] {
        assert!(LinkTarget::parse(&rel("link"), text).is_err(), "{text}");
    }
}

fn outside() -> tempfile::TempDir {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), SECRET).unwrap();
    outside
}
