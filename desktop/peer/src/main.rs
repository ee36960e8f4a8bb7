//! A window whose page reaches one file as pages of other programs do: by the file plugin of Tauri, and by
//! requests to a plain scheme. The workbench's figures are compared with it, and nothing else uses it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use tauri::http::{Method, Request, Response, StatusCode};
use tauri::{WebviewUrl, WebviewWindowBuilder};
use tauri_plugin_fs::FsExt as _;

/// Where the file's path stands.
const FILE: &str = "ORIEL_PEER_FILE";

/// More than this is not read for one request.
const PIECE_MAX: usize = 16 << 20;

#[expect(clippy::disallowed_methods, reason = "the one place where it is told its file")]
fn main() -> Result<(), tauri::Error> {
    let path = std::env::var_os(FILE);
    let path = path.ok_or_else(|| io::Error::other(format!("{FILE} is not set")))?;
    let file = File::options().read(true).write(true).open(&path)?;
    tauri::Builder::default()
        .plugin(tauri_plugin_fs::init())
        .register_asynchronous_uri_scheme_protocol("plain", move |_, request, responder| {
            responder.respond(answer(&file, &request).unwrap_or_else(|error| refused(&error)));
        })
        .setup(move |app| {
            app.fs_scope().allow_file(&path)?;
            WebviewWindowBuilder::new(app, "peer", WebviewUrl::App("index.html".into()))
                .inner_size(1280.0, 860.0)
                .build()?;
            Ok(())
        })
        .run(tauri::generate_context!())
}

/// Reads or writes the bytes at `/OFFSET/LENGTH`.
fn answer(file: &File, request: &Request<Vec<u8>>) -> io::Result<Response<Vec<u8>>> {
    let mut numbers = request.uri().path().split('/').filter_map(|part| part.parse::<u64>().ok());
    let (Some(offset), Some(length)) = (numbers.next(), numbers.next()) else {
        return Err(io::Error::other("ask for /OFFSET/LENGTH"));
    };
    let mut bytes = Vec::new();
    if request.method() == Method::POST {
        file.write_all_at(request.body(), offset)?;
    } else {
        bytes.resize(PIECE_MAX.min(usize::try_from(length).unwrap_or(PIECE_MAX)), 0);
        let read = file.read_at(&mut bytes, offset)?;
        bytes.truncate(read);
    }
    told(StatusCode::OK, bytes)
}

fn refused(error: &io::Error) -> Response<Vec<u8>> {
    told(StatusCode::BAD_REQUEST, error.to_string().into_bytes()).unwrap_or_default()
}

fn told(status: StatusCode, body: Vec<u8>) -> io::Result<Response<Vec<u8>>> {
    Response::builder()
        .status(status)
        .header("access-control-allow-origin", "*")
        .header("content-type", "application/octet-stream")
        .body(body)
        .map_err(io::Error::other)
}
