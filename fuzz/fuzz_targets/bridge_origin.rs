//! Whatever is asked for or led to, an engine reads a place of the app in the same way.

#![no_main]

use axum::http::Uri;
use libfuzzer_sys::fuzz_target;
use oriel_bridge::origin::{AppOrigin, Place, read};
use oriel_bridge::redirect::{Lead, Served, lead};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(uri) = text.parse::<Uri>()
        && let Ok(place) = read(&uri, AppOrigin::Scheme)
    {
        stays(&place);
    }
    if let Ok(place) = Place::read(&text) {
        stays(&place);
    }
    let here = Place::read("/one/two?x").expect("this is plain");
    let served = Served { authority: "127.0.0.1:3143", origin: AppOrigin::Scheme };
    if let Lead::Own { place, .. } = lead(&text, &here, served) {
        stays(&place);
    }
});

fn stays(place: &Place) {
    assert!(place.path().starts_with('/') && !place.as_str().starts_with("//"), "{place}");
    let lower = place.path().to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/");
    assert!(
        !lower.replace("%5c", "/").split('/').any(|part| matches!(part, "." | "..")),
        "{place}"
    );
    let uri: Result<Uri, _> = place.as_str().parse();
    assert!(uri.is_ok_and(|uri| uri.path() == place.path()), "{place}");
}
