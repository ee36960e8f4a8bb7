//! An opinion is composed, signed, checked and revised from its pages.

use super::*;

#[tokio::test]
async fn an_opinion_is_composed_signed_checked_and_revised() {
    let house = House::new().await;
    assert!(words(&house.get("/opinions").await.text).contains("You have no key yet"));
    let locked = house.post("/opinions", &opinion("fine")).await;
    assert_eq!(locked.status, StatusCode::LOCKED, "{}", locked.text);
    house.post("/opinions/key", &[]).await;

    let signed = house.post("/opinions", &opinion("fine <script>alert(1)</script>")).await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", words(&signed.text));
    let place = signed.headers["location"].to_str().unwrap().to_owned();
    let page = house.get(&place).await;
    assert!(words(&page.text).contains("It is what its author signed"), "{}", words(&page.text));
    assert!(!page.text.contains("<script>alert"), "an opinion is text");

    let record = house.get(&format!("{place}/record")).await;
    assert!(record.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let good = house.post("/opinions/verify", &[("record", &record.text)]).await;
    assert!(words(&good.text).contains("It verifies"), "{}", words(&good.text));
    let flipped = record.text.replacen("fine", "Fine", 1);
    let bad = house.post("/opinions/verify", &[("record", &flipped)]).await;
    assert!(words(&bad.text).contains("It does not verify"), "{}", words(&bad.text));
    let none = house.post("/opinions/verify", &[("record", "{broken")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);

    let second = house.post("/opinions", &opinion("other words")).await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert!(second.text.contains("revises="), "the way on is in the page");
    let id = place.strip_prefix("/opinions/").unwrap();
    let form = house.get(&format!("/opinions/new?revises={id}")).await;
    assert!(
        form.text.contains("record/supersedes") || form.text.contains("record&#x2f;supersedes")
    );
    let mut revised = opinion("better words");
    revised.push(("record/supersedes", id));
    let revised = house.post("/opinions", &revised).await;
    assert_eq!(revised.status, StatusCode::SEE_OTHER, "{}", words(&revised.text));
    let old = words(&house.get(&place).await.text);
    assert!(
        old.contains("A later opinion has taken its place") && old.contains("History"),
        "{old}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_form_stands_beside_its_fields_and_what_was_typed_stays() {
    let house = House::new().await;
    house.post("/opinions/key", &[]).await;
    let fields = [("resource/kind", "Bad Kind"), ("resource/id", "x"), ("opinion/rating", "9")];
    let answer = house.post("/opinions", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer.text.contains("id=\"kind-wrong\"") && answer.text.contains("id=\"rating-wrong\"")
    );
    assert!(answer.text.contains("value=\"Bad Kind\""), "{}", answer.text);
}

#[tokio::test]
async fn what_a_preview_hands_over_fills_the_form_and_posts_nothing() {
    let house = House::new().await;
    house.post("/opinions/key", &[]).await;
    let url = "https%3A%2F%2Fexample.org%2F%22%3E%3Cb%3E";
    let page = house
        .get(&format!(
            "/opinions/new?resource%2Fkind=url&resource%2Fid={url}&observed%2Ftitle=A+page"
        ))
        .await;
    assert!(words(&page.text).contains("A page") && page.text.contains("example.org"));
    assert!(!page.text.contains("\"><b>"));
    assert!(words(&house.get("/opinions").await.text).contains("No opinions yet"));
}

fn opinion(text: &str) -> Vec<(&str, &str)> {
    vec![
        ("resource/kind", "url"),
        ("resource/id", "https://example.org/"),
        ("opinion/text", text),
        ("opinion/rating", "4"),
        ("opinion/tags", "rust, useful"),
    ]
}
