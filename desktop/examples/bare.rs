//! A window with one page of its own and nothing else: what the desktop's figures are compared with.

use tauri::http::Response;
use tauri::{Url, WebviewUrl, WebviewWindowBuilder};

/// One plain page, whose colour no theme has.
const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Bare</title>\
    <body style=\"margin:0;background:#123456;color:#fff\"><h1>Bare</h1>";

fn main() -> Result<(), tauri::Error> {
    tauri::Builder::default()
        .register_uri_scheme_protocol("bare", |_, _| {
            let page = Response::builder().header("content-type", "text/html");
            page.body(PAGE.as_bytes().to_vec()).expect("the header is plain")
        })
        .setup(|app| {
            let url = Url::parse("bare://localhost/")?;
            WebviewWindowBuilder::new(app, "bare", WebviewUrl::CustomProtocol(url))
                .inner_size(1280.0, 860.0)
                .build()?;
            Ok(())
        })
        .run(tauri::generate_context!())
}
