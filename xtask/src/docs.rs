//! `cargo xtask docs`: writes `docs/commands.md` anew, by the test that compares it.

use crate::run::{Done, run};
use crate::workspace::Workspace;

/// `cargo xtask docs`.
pub(crate) fn command(workspace: &Workspace, _: &[String]) -> Done {
    let mut test = workspace.cargo();
    test.current_dir(&workspace.root).env("FARSIGHT_BLESS", "1");
    run(test.args(["test", "--quiet", "--package", "xtask", "--test", "commands"]))
}
