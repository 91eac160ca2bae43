using System.CommandLine;
using System.Security.Cryptography;
using Vlm.CommandLine;

namespace Vlm.Hosting;

/// <summary>The verb <c>key</c>: a new key, and the line for the key file.</summary>
public static class KeyCommand
{
    /// <summary>The verb of a service.</summary>
    /// <param name="prefix">How its keys begin, so that a lost one can be placed.</param>
    /// <param name="setting">The option that names the key file.</param>
    public static Command Create(string prefix, string setting)
    {
        var name = new Option<string>("--name") { Description = "Who will use it: one word.", Required = true };
        var command = new Command("key", $"Makes an API key. The key goes to the client, the line into the file that {setting} names.") { name };
        command.SetAction(result =>
        {
            var owner = result.GetRequiredValue(name);
            if (owner.Length == 0 || owner.Any(char.IsWhiteSpace) || owner[0] == '#')
                throw new UsageException($"--name is one word that does not begin with '#', not '{owner}'.");
            var key = $"{prefix}-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
            Console.WriteLine($"key:  {key}");
            Console.WriteLine($"line: {ApiKeys.ToLine(owner, key)}");
            return ExitCode.Success;
        });
        return command;
    }
}
