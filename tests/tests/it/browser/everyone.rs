//! Pages that everyone can use: what axe-core finds serious or critical is not there, in either
//! colours, on any width.

use super::Scene;

#[test]
fn no_page_has_a_barrier_in_the_dark_in_the_light_or_on_a_telephone() {
    let scene = Scene::new();
    let mut barriers = Vec::new();
    let pages = scene.console.pages();
    for (how, dark, width) in [("light", false, 1280), ("dark", true, 1280), ("narrow", false, 360)]
    {
        scene.browser.resize(width, 800);
        scene.browser.prefer(dark);
        for path in &pages {
            scene.visit(path);
            let found = scene.browser.barriers();
            barriers.extend(found.into_iter().map(|one| format!("{path}, {how}: {one}")));
            let overflow =
                "document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let overflow = scene.browser.eval(overflow).as_i64().unwrap_or_default();
            if 0 < overflow {
                barriers.push(format!("{path}, {how}: it is {overflow} pixels too wide"));
            }
        }
    }
    assert!(barriers.is_empty(), "{} barriers:\n{}", barriers.len(), barriers.join("\n"));
}
