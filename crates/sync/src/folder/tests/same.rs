//! What the simulation promises of each call is what the real file system does, however it does it.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::rc::Rc;

use fastrand::Rng;
use oriel_wire::sync::RelPath;
use tempfile::TempDir;

use crate::folder::{Folder, Means, Options, Resolving};
use crate::op::OpId;
use crate::sim::{Process, State};
use crate::stat::Kind;
use crate::vfs::{Fault, Place, Vfs};

#[test]
fn the_real_folder_answers_as_the_simulated_one() {
    let simulated = {
        let state = State::new(Rng::with_seed(1), 1, 100, [0; 3]);
        let process = Process { side: 0, state: Rc::new(RefCell::new(state)) };
        make_in_simulation(&process);
        told(&process)
    };
    for resolving in [Resolving::Best, Resolving::Steps] {
        for means in [Means::Exchange, Means::Links] {
            let top = TempDir::new().unwrap();
            make(top.path());
            let options = Options { resolving, means: Some(means) };
            let folder = Folder::open_with(top.path(), options, |_| {}).unwrap().with_umask(0o022);
            assert_eq!(folder.means(), means);
            for (real, simulated) in told(&folder).into_iter().zip(&simulated) {
                assert_eq!(real, *simulated, "{options:?}");
            }
        }
    }
}

/// What there is before sync does anything.
const FILES: [(&str, &str); 4] =
    [("file", "some text, longer"), ("folder/inner", "x"), ("other", "o"), ("run", "")];
const FOLDERS: [&str; 3] = ["empty", "folder", "spare"];
const LINKS: [(&str, &str); 2] = [("link", "folder"), ("dangling", "nowhere")];

fn make(top: &Path) {
    FOLDERS.iter().for_each(|path| fs::create_dir(top.join(path)).unwrap());
    FILES.iter().for_each(|(path, text)| fs::write(top.join(path), text).unwrap());
    LINKS.iter().for_each(|(path, target)| symlink(target, top.join(path)).unwrap());
}

fn make_in_simulation(process: &Process) {
    let state = &mut *process.state.borrow_mut();
    let fs = &mut state.sides[0].fs;
    let things = (FOLDERS.iter().map(|path| (*path, "", Kind::Dir, 0o755)))
        .chain(FILES.iter().map(|(path, text)| (*path, *text, Kind::File, 0o644)))
        .chain(LINKS.iter().map(|(path, target)| (*path, *target, Kind::Symlink, 0o777)));
    for (path, data, kind, mode) in things {
        let ino = fs.make(kind, data.as_bytes().to_vec(), mode, 0);
        let cell = fs.cell(path).unwrap();
        fs.set(vec![(cell, Some(ino))], 0);
    }
}

/// Everything that sync may ask, in an order in which each answer matters to the next.
fn told<V: Vfs>(vfs: &V) -> Vec<String> {
    let mut told = Vec::new();
    let mut say = |what: &str, answer: String| told.push(format!("{what}: {answer}"));
    let paths = ["file", "folder", "folder/inner", "empty", "link", "dangling"];
    let none = ["missing", "missing/inner", "file/inner", "link/inner", "link/inner/deep"];
    for text in paths.into_iter().chain(none) {
        let path = path(text);
        let tree = Place::Tree(&path);
        say(text, stat(vfs, tree));
        say("open", read(vfs, tree));
        say("link", format!("{:?}", vfs.read_link(tree)));
        say("list", names(vfs, Some(&path)));
        say("watch", format!("{:?}", vfs.watch(Some(&path))));
        say("sync", format!("{:?}", vfs.sync_names(tree)));
    }
    say("root", names(vfs, None));
    say("watch root", format!("{:?}", vfs.watch(None)));
    say("check", format!("{:?}", vfs.check_root()));
    parts(vfs, &mut say);
    moves(vfs, &mut say);
    folders(vfs, &mut say);
    say("root", names(vfs, None));
    vfs.secure(&[path("file"), path("missing/inner")]);
    told
}

fn parts<V: Vfs>(vfs: &V, say: &mut impl FnMut(&str, String)) {
    let id = OpId(5);
    let (part, slot) = (Place::Part(id), Place::Slot(id));
    say("part", stat(vfs, part));
    for mode in [0o666, 0o777] {
        let mut file = vfs.create(id, mode).unwrap();
        vfs.write(&mut file, b"one ").unwrap();
        vfs.write(&mut file, b"two").unwrap();
        vfs.sync(&file).unwrap();
        say("made", format!("{} {}", stat(vfs, part), read(vfs, part)));
    }
    say("link over it", format!("{:?}", vfs.make_link(id, "../x")));
    say("it", format!("{} {:?}", stat(vfs, part), vfs.read_link(part)));
    say("folder over it", format!("{:?}", vfs.make_dir(part)));
    say("it", stat(vfs, part));
    say("moved", format!("{:?}", vfs.rename_new(part, slot)));
    say("again", format!("{:?}", vfs.rename_new(part, slot)));
    vfs.create(id, 0o666).unwrap();
    say("onto it", format!("{:?}", vfs.rename_new(part, slot)));
    say("discard", format!("{:?}", vfs.discard(id)));
    say("gone", format!("{} {}", stat(vfs, part), stat(vfs, slot)));
    say("discard nothing", format!("{:?}", vfs.discard(id)));
    say("sync names", format!("{:?}", vfs.sync_names(slot)));
}

fn moves<V: Vfs>(vfs: &V, say: &mut impl FnMut(&str, String)) {
    let id = OpId(6);
    let slot = Place::Slot(id);
    let stage = |text: &str| {
        let mut file = vfs.create(id, 0o666).unwrap();
        vfs.write(&mut file, text.as_bytes()).unwrap();
        vfs.rename_new(Place::Part(id), slot)
    };
    let new = path("new");
    say("stage", format!("{:?}", stage("1")));
    for text in ["file", "folder", "link", "missing/inner", "file/inner", "link/inner"] {
        say(text, format!("{:?}", vfs.rename_new(slot, Place::Tree(&path(text)))));
    }
    say("new", format!("{:?}", vfs.rename_new(slot, Place::Tree(&new))));
    say("it", format!("{} {}", read(vfs, Place::Tree(&new)), stat(vfs, slot)));
    say("exchange with nothing", format!("{:?}", vfs.exchange(Place::Tree(&new), slot)));
    say("stage", format!("{:?}", stage("2")));
    say("exchange", format!("{:?}", vfs.exchange(Place::Tree(&new), slot)));
    say("both", format!("{} {}", read(vfs, Place::Tree(&new)), read(vfs, slot)));
    say("back", format!("{:?}", vfs.exchange(slot, Place::Tree(&new))));
    say("both", format!("{} {}", read(vfs, Place::Tree(&new)), read(vfs, slot)));
    say("with a link", format!("{:?}", vfs.exchange(Place::Tree(&path("dangling")), slot)));
    say("it", format!("{:?} {}", vfs.read_link(slot), read(vfs, Place::Tree(&path("dangling")))));
    for text in ["missing", "missing/inner", "link/inner"] {
        say(text, format!("{:?}", vfs.exchange(Place::Tree(&path(text)), slot)));
    }
    say("with an empty folder", format!("{:?}", vfs.exchange(Place::Tree(&path("spare")), slot)));
    say("it", format!("{} {}", stat(vfs, slot), stat(vfs, Place::Tree(&path("spare")))));
    say("away", format!("{:?}", vfs.remove_dir(slot)));
    say("take away", format!("{:?}", vfs.rename_new(Place::Tree(&new), slot)));
    say("both", format!("{} {}", stat(vfs, Place::Tree(&new)), read(vfs, slot)));
    say("discard", format!("{:?}", vfs.discard(id)));
}

fn folders<V: Vfs>(vfs: &V, say: &mut impl FnMut(&str, String)) {
    for text in ["made", "made", "file", "link", "missing/inner", "file/inner", "link/inner2"] {
        say(text, format!("{:?}", vfs.make_dir(Place::Tree(&path(text)))));
    }
    say("made", stat(vfs, Place::Tree(&path("made"))));
    for text in ["folder", "file", "link", "missing", "missing/inner", "made", "made"] {
        say(text, format!("{:?}", vfs.remove_dir(Place::Tree(&path(text)))));
    }
    let slot = Place::Slot(OpId(8));
    say("folder away", format!("{:?}", vfs.rename_new(Place::Tree(&path("folder")), slot)));
    say("not empty", format!("{:?}", vfs.remove_dir(slot)));
    say("folder back", format!("{:?}", vfs.rename_new(slot, Place::Tree(&path("folder")))));
    say("in it", read(vfs, Place::Tree(&path("folder/inner"))));
}

fn stat<V: Vfs>(vfs: &V, at: Place<'_>) -> String {
    match vfs.lstat(at) {
        // What a folder's size is, each file system decides.
        Ok(Some(stat)) if stat.kind == Kind::Dir => format!("folder {:o}", stat.mode),
        Ok(Some(stat)) => format!("{:?} {:o} {}", stat.kind, stat.mode, stat.size),
        other => format!("{other:?}"),
    }
}

fn read<V: Vfs>(vfs: &V, at: Place<'_>) -> String {
    let whole = || -> Result<String, Fault> {
        let file = vfs.open(at)?;
        let (mut whole, mut buffer) = (Vec::new(), [0; 64]);
        while let count @ 1.. = vfs.read(&file, whole.len() as u64, &mut buffer)? {
            whole.extend_from_slice(&buffer[..count]);
        }
        assert_eq!(vfs.fstat(&file)?.size, whole.len() as u64);
        Ok(String::from_utf8(whole).unwrap())
    };
    format!("{:?}", whole())
}

fn names<V: Vfs>(vfs: &V, folder: Option<&RelPath>) -> String {
    let listed = vfs.list(folder).map(|named| {
        let mut names: Vec<_> =
            named.into_iter().map(|named| (named.name, named.stat.kind)).collect();
        names.sort();
        names
    });
    format!("{listed:?}")
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}
