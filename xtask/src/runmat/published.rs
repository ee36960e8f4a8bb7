//! What is handed to the pages' build: the module, its JavaScript, and a list of both.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::RUNMAT;

/// How the module and the page talk to each other. A page that knows another number leaves the module.
const FORM: u32 = 1;

/// The list, which is there where the module is.
const LIST: &str = "manifest.json";

const FILES: [&str; 2] = ["runmat.js", "runmat_bg.wasm"];

/// Puts what was made in the place of what is there, and returns how many bytes that is.
pub(super) fn publish(made: &Path, folder: &Path, compiler: &str) -> Result<u64> {
    let mut sizes = Map::new();
    let mut whole = 0;
    let half = folder.with_extension("part");
    let context = || format!("could not put the module into {}", folder.display());
    if half.exists() {
        fs::remove_dir_all(&half).with_context(context)?;
    }
    fs::create_dir_all(&half).with_context(context)?;
    for name in FILES {
        let bytes = fs::copy(made.join(name), half.join(name))
            .with_context(|| format!("could not copy {}", made.join(name).display()))?;
        sizes.insert(name.to_owned(), json!({ "bytes": bytes }));
        whole += bytes;
    }
    fs::write(half.join(LIST), format!("{:#}\n", list(&sizes, compiler))).with_context(context)?;
    // A page finds the new one or none, and never a half.
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(context)?;
    }
    fs::rename(&half, folder).with_context(context)?;
    Ok(whole)
}

fn list(files: &Map<String, Value>, compiler: &str) -> Value {
    json!({ "form": FORM, "runmat": RUNMAT, "compiler": compiler, "files": files })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_what_there_is_and_what_was_there_is_gone() {
        let root = tempfile::tempdir().unwrap();
        let (made, folder) = (root.path().join("made"), root.path().join("public/runmat"));
        fs::create_dir_all(&made).unwrap();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("old.js"), "").unwrap();
        for name in FILES {
            fs::write(made.join(name), name).unwrap();
        }
        assert_eq!(publish(&made, &folder, "rustc 1.96.0").unwrap(), 9 + 14);
        let list: Value = serde_json::from_slice(&fs::read(folder.join(LIST)).unwrap()).unwrap();
        assert_eq!(list["files"]["runmat_bg.wasm"]["bytes"], 14);
        assert_eq!((&list["form"], &list["runmat"]), (&json!(FORM), &json!(RUNMAT)));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
        assert_eq!(fs::read_dir(root.path().join("public")).unwrap().count(), 1);
    }

    #[test]
    fn what_was_not_made_is_not_put_anywhere() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("public/runmat");
        let message = publish(root.path(), &folder, "").unwrap_err().to_string();
        assert!(message.contains("runmat.js"), "{message}");
        assert!(!folder.exists());
    }
}
