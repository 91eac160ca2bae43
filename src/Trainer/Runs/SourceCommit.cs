using System.ComponentModel;
using System.Diagnostics;

namespace Vlm.Trainer.Runs;

/// <summary>The commit of the sources, as far as git tells.</summary>
internal static class SourceCommit
{
    /// <summary>The checked-out commit's hash; null where there is no git or no repository.</summary>
    public static string? Current()
    {
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", ["rev-parse", "HEAD"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var hash = git.StandardOutput.ReadToEnd().Trim();
            git.WaitForExit();
            return git.ExitCode == 0 && hash.Length > 0 ? hash : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
