//! `oriel keys`: the key that signs what the operator says and allows.

use oriel_runtime::settings::Flag;
use oriel_wire::KeyStatus;
use serde_json::json;

use crate::Exit;
use crate::args::Keys;
use crate::output::{Output, Style};
use crate::service::Service;
use crate::table::{self, Cell};
use oriel_daemon::Surroundings;

/// Shows the key, or makes it.
pub(super) fn run(
    keys: Keys,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    let file = config.data_dir.join("keys").join(oriel_sign::key::KEY_FILE);
    let (Keys::Show(form) | Keys::Create(form)) = keys;
    let key: KeyStatus = super::wait(async {
        let service = Service::reach(config).await?;
        let answer = match keys {
            Keys::Show(_) => service.get("/control/keys").await,
            Keys::Create(_) => service.post("/control/keys", &json!({})).await,
        };
        service.close().await;
        Ok(answer?)
    })?;
    if form.json {
        output.json(&key)?;
    } else {
        let rows: Vec<[Cell; 2]> = match (&key.did, &key.problem) {
            (Some(did), _) => vec![
                line("key", Cell::plain(did)),
                line("made", Cell::plain(key.created.as_deref().unwrap_or("unknown"))),
                line("file", Cell::plain(file.display().to_string())),
            ],
            (None, Some(problem)) => vec![line("key", Cell::new(Style::Bad, problem))],
            (None, None) => {
                vec![line("key", Cell::plain("none; make one with `oriel keys create`"))]
            }
        };
        output.print(&table::render(&rows, output.paint()))?;
    }
    Ok(if key.did.is_some() { Exit::Done } else { Exit::Failed })
}

fn line(name: &str, value: Cell) -> [Cell; 2] {
    [Cell::new(Style::Faint, name), value]
}
