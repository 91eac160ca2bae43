using System.Security.Cryptography;
using System.Text;

namespace Vlm.Edge.Page;

/// <summary>How the page looks, in light and in dark, on a phone and on a desk.</summary>
internal static class PageStyle
{
    public const string Css = """
        :root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--panel:#f6f8fa;--line:#d0d7de;--good:#116329;--bad:#a40e26;--act:#0757b8}
        @media (prefers-color-scheme:dark){
        :root{--ink:#e6edf3;--soft:#9aa4af;--paper:#0d1117;--panel:#161b22;--line:#30363d;--good:#56d364;--bad:#ff8f88;--act:#79b8ff}
        }
        *{box-sizing:border-box}
        body{margin:0 auto;max-width:76rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);overflow-wrap:break-word}
        h1{margin:0;font-size:1.75rem;line-height:1.2}
        h1::before{content:"";display:inline-block;width:.7em;height:.7em;margin-right:.4em;border-radius:50%;background:currentColor}
        h1.good::before{color:var(--good)}
        h1.bad{color:var(--bad)}
        h2{margin:2rem 0 .5rem;font-size:1.2rem}
        p{margin:.3rem 0}
        .soft,time{color:var(--soft)}
        .said{padding:.6rem .9rem;border:1px solid var(--act);border-radius:.4rem}
        .alarms{list-style:none;margin:1rem 0;padding:0}
        .alarms li{margin:.6rem 0;padding:.6rem .9rem;border-left:.3rem solid var(--bad);background:var(--panel)}
        table{width:100%;border-collapse:collapse}
        th,td{padding:.4rem .7rem .4rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
        th,time{white-space:nowrap}
        td:last-child,td[data-label=Why]{overflow-wrap:anywhere}
        td.act{white-space:nowrap}
        thead th{color:var(--soft);font-weight:600;font-size:.9rem}
        .facts th{width:20rem;font-weight:400;color:var(--soft)}
        form{display:inline}
        button,input{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--line);border-radius:.4rem;padding:.35rem .7rem;min-height:2.4rem}
        button{cursor:pointer;border-color:var(--act);color:var(--act)}
        button.drop{border-color:var(--bad);color:var(--bad)}
        button:focus-visible,input:focus-visible,a:focus-visible,summary:focus-visible{outline:.2rem solid var(--act);outline-offset:.1rem}
        a{color:var(--act)}
        code{font:.95em ui-monospace,monospace}
        .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(18rem,100%),1fr));gap:1rem}
        figure{margin:0;padding:.8rem;border:1px solid var(--line);border-radius:.4rem;background:var(--panel)}
        figure img{display:block;width:100%;height:14rem;object-fit:contain;background:#fff}
        figure input{width:100%;margin:.2rem 0 .5rem;background:var(--paper)}
        img.small{display:block;width:10rem;max-height:8rem;object-fit:contain;background:#fff}
        details{margin:.8rem 0}
        @media (max-width:45rem){
        .facts th{width:45%;white-space:normal}
        .list thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
        .list tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--line)}
        .list td{display:flex;gap:.6rem;padding:.1rem 0;border:0;overflow-wrap:anywhere}
        .list td>*{min-width:0}
        .list td::before{content:attr(data-label);flex:0 0 7rem;color:var(--soft)}
        .list td.act{white-space:normal}
        }
        """;

    /// <summary>
    /// What a browser may do with the page: show it with this style and with pictures of the box, and send its forms back. No script runs, whatever is in it.
    /// </summary>
    public static string Policy { get; } = "default-src 'none'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
        + $"style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Css)))}'";
}
