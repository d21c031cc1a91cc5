//! A Markdown file as the tests see it: fenced blocks, and the code in its prose.

/// A fenced block.
pub struct Block<'a> {
    /// With its last line break, without the fences.
    pub body: &'a str,
}

/// A command of a block, and what the document shows that it prints.
pub struct Command {
    pub line: String,
    pub output: String,
}

impl Command {
    /// As the document writes it: a further line of a command begins with `> `.
    pub fn prompt(&self) -> String {
        format!("$ {}", self.line.replace('\n', "\n> "))
    }
}

impl Block<'_> {
    pub fn commands(&self) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        for line in self.body.lines() {
            match (line.strip_prefix("$ "), line.strip_prefix("> "), commands.last_mut()) {
                (Some(command), _, _) => {
                    commands.push(Command { line: command.to_owned(), output: String::new() })
                }
                (None, Some(more), Some(command)) if command.output.is_empty() => {
                    command.line += "\n";
                    command.line += more;
                }
                (None, _, Some(command)) => {
                    command.output += line;
                    command.output += "\n";
                }
                (None, _, None) => panic!("a block begins with a command, not with: {line}"),
            }
        }
        commands
    }
}

/// The blocks whose fence says exactly this.
pub fn blocks<'a>(text: &'a str, kind: &str) -> Vec<Block<'a>> {
    let opening = format!("```{kind}\n");
    let (mut blocks, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(&opening) {
        let body = &rest[at + opening.len()..];
        let end = body.find("```").unwrap_or(body.len());
        blocks.push(Block { body: &body[..end] });
        rest = &body[end..];
    }
    blocks
}

/// The pieces of code in a text, each on lines of its own: fenced blocks, and what stands between single backticks.
pub fn code(text: &str) -> String {
    let mut code = Vec::new();
    for (n, part) in text.split("```").enumerate() {
        match n % 2 {
            1 => code.push(part),
            _ => code.extend(part.split('`').skip(1).step_by(2)),
        }
    }
    code.join("\n")
}
