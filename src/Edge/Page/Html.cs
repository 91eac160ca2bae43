using System.Runtime.CompilerServices;
using System.Text;

namespace Vlm.Edge.Page;

/// <summary>A piece of a page. What is put into one is escaped, unless it is a piece itself: text from outside cannot become markup.</summary>
/// <param name="Text">As it is sent.</param>
internal readonly record struct Html(string Text)
{
    /// <summary>Nothing.</summary>
    public static Html None { get; } = new("");

    /// <summary>A piece as it is written, with what is in braces escaped.</summary>
    public static Html Of(ref Template template) => new(template.Done());

    /// <summary>Pieces one after the other.</summary>
    public static Html Join(IEnumerable<Html> pieces) => new(string.Concat(pieces.Select(piece => piece.Text)));

    /// <summary>A table with a row for each thing; on a phone each row is a list, named by <c>data-label</c>.</summary>
    public static Html List(string[] columns, IEnumerable<Html> rows) => Of($"""
        <table class="list"><thead><tr>{Join(columns.Select(column => Of($"""<th scope="col">{column}</th>""")))}</tr></thead>
        <tbody>{Join(rows)}</tbody></table>
        """);

    /// <summary>Text that means nothing to a browser, between tags and in quoted attributes.</summary>
    public static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '&' => escaped.Append("&amp;"),
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '"' => escaped.Append("&quot;"),
                '\'' => escaped.Append("&#39;"),
                '\t' or '\n' => escaped.Append(' '),
                // What has no place in a page, and what turns the direction of the words around it.
                < ' ' or (>= 0x7F and < 0xA0) or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069) => escaped.Append('\uFFFD'),
                _ => escaped.Append(rune.ToString()),
            };
        }
        return escaped.ToString();
    }

    /// <summary>What the compiler makes of <c>$"…"</c>.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Template(int literalLength, int formattedCount)
    {
        private readonly StringBuilder _text = new(literalLength + (formattedCount * 16));

        public void AppendLiteral(string text) => _text.Append(text);

        public void AppendFormatted(Html piece) => _text.Append(piece.Text);

        public void AppendFormatted(string? text) => _text.Append(Escape(text ?? ""));

        public void AppendFormatted(int number) => _text.Append(number);

        public string Done() => _text.ToString();
    }
}
