using System.CommandLine;
using System.Security.Cryptography;

namespace Vlm.Escalation.Keys;

/// <summary>The verb <c>key</c>: a new key, and the line for the key file.</summary>
internal static class KeyCommand
{
    public static Command Create()
    {
        var name = new Option<string>("--name") { Description = "Who will use it: one word.", Required = true };
        var command = new Command("key", "Makes an API key. The key goes to the client, the line into the file that keys.file names.") { name };
        command.SetAction(result =>
        {
            var who = result.GetRequiredValue(name);
            if (who.Length == 0 || who.Any(char.IsWhiteSpace) || who[0] == '#')
            {
                Console.Error.WriteLine($"--name is one word that does not begin with '#', not '{who}'.");
                return ExitCode.WrongUsage;
            }
            var key = "esc-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
            Console.WriteLine($"key:  {key}");
            Console.WriteLine($"line: {who} {Convert.ToHexStringLower(ApiKeys.Hash(key))}");
            return ExitCode.Success;
        });
        return command;
    }
}
