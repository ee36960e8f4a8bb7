//! Figures. There is no screen and no GPU here: a figure is what the engine describes of it.

use oriel_wire::compute::{Answer, Code, FigureBrief};
use runmat_runtime::builtins::plotting::{
    FigureHandle, clone_figure, export_figure_scene, figure_handles,
};

use crate::reader::failed;

/// The figures that there are.
pub(super) fn list() -> Vec<FigureBrief> {
    let mut figures: Vec<FigureBrief> = figure_handles()
        .into_iter()
        .filter_map(|handle| {
            let figure = clone_figure(handle)?;
            Some(FigureBrief {
                figure: handle.as_u32(),
                title: figure.sg_title.clone().or(figure.title.clone()).unwrap_or_default(),
                plots: u32::try_from(figure.len()).unwrap_or(u32::MAX),
            })
        })
        .collect();
    figures.sort_unstable_by_key(|figure| figure.figure);
    figures
}

/// What is in a figure.
pub(super) fn scene(figure: u32) -> Answer {
    match pollster::block_on(export_figure_scene(FigureHandle::from(figure))) {
        Ok(Some(bytes)) => match serde_json::from_slice::<serde_json::Value>(&bytes) {
            Ok(mut payload) => {
                let scene = payload.get_mut("figure").map(serde_json::Value::take);
                Answer::Figure { figure, scene: scene.unwrap_or_default() }
            }
            Err(error) => failed(Code::Engine, error.to_string()),
        },
        Ok(None) => failed(Code::NotFound, format!("there is no figure {figure}")),
        Err(error) => failed(Code::TooLarge, error.to_string()),
    }
}
