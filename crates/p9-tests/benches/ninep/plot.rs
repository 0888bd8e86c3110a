//! Sequential throughput as bars.

use std::fmt::Write as _;

use crate::report::Line;

const BAR: usize = 22;
const LEFT: usize = 200;
const WIDTH: usize = 520;

/// The plot of everything that moves content.
pub(crate) fn svg(lines: &[Line]) -> String {
    let mut body = String::new();
    let mut y = 30;
    for what in ["sequential read", "sequential write"] {
        let shown: Vec<&Line> = lines.iter().filter(|line| line.what == what).collect();
        let most = shown.iter().map(|line| line.per_second).fold(1.0, f64::max);
        // A String takes whatever is written to it.
        let _ = writeln!(
            body,
            "<text x=\"8\" y=\"{y}\" font-weight=\"bold\">{what}, MiB/s</text>"
        );
        y += BAR;
        for line in shown {
            let length = line.per_second / most * WIDTH as f64;
            let rate = line.per_second / f64::from(1 << 20);
            let (text, end) = (y + 14, LEFT as f64 + length + 6.0);
            let _ = writeln!(
                body,
                "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.0}\" height=\"{}\" fill=\"#4878a8\"/>\
                 <text x=\"{end:.0}\" y=\"{text}\">{rate:.0}</text>",
                LEFT - 8,
                line.who,
                BAR - 4
            );
            y += BAR;
        }
        y += BAR;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{y}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n",
        LEFT + WIDTH + 80
    )
}
