//! Tries an agent of this machine by hand: this test does nothing but where it is told which.
//!
//! The test program is run with `--exact` and this test's path, then `try-an-agent`, the agent's name,
//! Oriel's folder, a workspace, and prompts. `allow` and `reject` before a prompt answer its questions,
//! `cancel` stops it after two seconds, `resume NAME` goes on with a session.

use std::path::PathBuf;
use std::time::Duration;

use crate::agent::{Asked, Given, News, Order, Start, StartsAgents as _};
use crate::agents::{Agents, AgentsConfig};
use oriel_wire::gateway::OptionKind;

#[tokio::test]
async fn this_program_tries_an_agent_where_it_is_told() {
    let mut words = std::env::args().skip_while(|word| word != "try-an-agent").skip(1);
    let Some(name) = words.next() else { return };
    let [data_dir, workspace] =
        [words.next(), words.next()].map(|it| PathBuf::from(it.expect("a folder")));
    #[expect(clippy::disallowed_methods, reason = "whoever tries an agent sets its environment")]
    let environment = std::env::vars().collect();
    let agents = Agents::new(AgentsConfig { data_dir, environment, echo: Vec::new() });
    println!("problem: {:?}; confinement: {:?}", agents.problem(), agents.confinement().await);
    let mut words = words.peekable();
    let resume = words.next_if(|word| word == "resume").and_then(|_| words.next());
    let session_id = "trial".to_owned();
    let start = agents.start(Start { agent_type: name, workspace, resume, session_id });
    let mut agent = match start.await {
        Ok(agent) => agent,
        Err(error) => return println!("ERROR {error}"),
    };
    println!("{:?}", agent.news.recv().await);
    let mut how = "allow".to_owned();
    for word in words {
        if ["allow", "reject", "cancel"].contains(&word.as_str()) {
            how = word;
            continue;
        }
        println!("PROMPT ({how}) {word}");
        agent.orders.send(Order::Prompt(word)).await.unwrap();
        let mut kept = Vec::new();
        let mut stop =
            (how == "cancel").then(|| Box::pin(tokio::time::sleep(Duration::from_secs(2))));
        loop {
            let stopped = async {
                match stop.as_mut() {
                    Some(stop) => stop.await,
                    None => std::future::pending().await,
                }
            };
            let news = tokio::select! {
                news = agent.news.recv() => news,
                () = stopped => {
                    stop = None;
                    println!("CANCEL");
                    agent.orders.send(Order::Cancel).await.unwrap();
                    continue;
                }
            };
            match news {
                Some(News::Asked(asked)) => kept.extend(reply(asked, &how)),
                Some(News::PromptEnded(end)) => break println!("END {end:?}"),
                Some(News::Ended(why)) => return println!("GONE {why}"),
                other => println!("  {other:?}"),
            }
        }
    }
    drop(agent.orders);
    while let Some(news) = agent.news.recv().await {
        println!("  {news:?}");
    }
}

/// Answers a question. Returns one that is left open.
fn reply(asked: Asked, how: &str) -> Option<Asked> {
    println!("  ASKED {asked:?}");
    let kinds: &[OptionKind] = match how {
        "allow" => &[OptionKind::AllowOnce, OptionKind::Choice],
        "reject" => &[OptionKind::RejectOnce],
        _ => return Some(asked),
    };
    let option = asked.options.iter().find(|option| kinds.contains(&option.kind));
    let given = option.map_or(Given::Words("words".to_owned()), |it| Given::Option(it.id.clone()));
    // The agent may have gone meanwhile, which the next news tells.
    _ = asked.answer.send(given);
    None
}
