//! A folder has one number and one path, whatever is moved.

use oriel_wire::sync::RelPath;

use super::numbers::{Id, Numbers};

#[test]
fn a_folder_that_goes_takes_with_it_what_is_below_and_nothing_beside() {
    let id = Id::of(&std::fs::File::open("/").unwrap()).unwrap();
    let mut numbers = Numbers::default();
    let paths = ["a", "a/b", "a/b/c", "a-b", "ab", "b"];
    assert_eq!(numbers.put(99, None, id), None);
    for (number, text) in (0..).zip(paths) {
        assert_eq!(numbers.put(number, Some(path(text)), id), None);
    }
    assert_eq!(numbers.put(7, Some(path("b")), id), Some(5), "another folder is there");
    assert_eq!(numbers.put(2, Some(path("c")), id), None, "it was moved");
    assert_eq!(numbers.take_beneath(&path("a")), [0, 1]);
    assert_eq!(numbers.take_beneath(&path("a")), [0; 0]);
    for (number, text) in [(7, "b"), (2, "c"), (3, "a-b"), (4, "ab")] {
        assert_eq!(numbers.get(number).unwrap().path, Some(path(text)));
    }
    assert_eq!(numbers.get(99).unwrap().path, None);
    assert!(numbers.get(5).is_none());
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}
