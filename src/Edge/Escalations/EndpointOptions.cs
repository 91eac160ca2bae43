using Vlm.Hosting;

namespace Vlm.Edge.Escalations;

/// <summary>What to tell the model.</summary>
internal enum PromptDialect
{
    /// <summary>The code alone: a model of this repository finds it as the last run of spaced letters.</summary>
    Code,

    /// <summary>The whole task in words, the code last, for any instruction-tuned model.</summary>
    Instructions,
}

/// <summary>Which members limit the length of a reply: servers differ in what they read.</summary>
internal enum TokenLimitField
{
    MaxTokens,
    MaxCompletionTokens,

    /// <summary>Both, for servers behind a gateway that may be either.</summary>
    Both,
}

/// <summary>How an answer is asked for.</summary>
internal enum StructuredOutput
{
    /// <summary>As text with tagged sections.</summary>
    None,

    /// <summary>As a JSON object that a <c>json_schema</c> response format enforces.</summary>
    JsonSchema,
}

/// <summary>How much of our form a reply must have.</summary>
internal enum ReplyProfile
{
    /// <summary>All of it: models of this repository were trained for it, and a reply without it was cut or is damaged.</summary>
    Strict,

    /// <summary>The answer in some recognisable form: tags, JSON, a fence, bold, or the last line.</summary>
    Lenient,
}

/// <summary>One server that speaks OpenAI's chat completions, and what it can do.</summary>
internal sealed record EndpointOptions
{
    /// <summary>Name in metrics and messages; must be unique.</summary>
    public string Name { get; init; } = "primary";

    /// <summary>Base address with the version, <c>https://host:8443/v1</c>; the path <c>/chat/completions</c> is added.</summary>
    public string Url { get; init; } = "";

    /// <summary>The model to ask for.</summary>
    public string Model { get; init; } = "cryptogram-escalation";

    /// <summary>File that holds the API key, read at every request so that a key can be changed; takes precedence over the variable.</summary>
    public string? ApiKeyFile { get; init; }

    /// <summary>Environment variable that holds the API key.</summary>
    public string? ApiKeyVariable { get; init; }

    /// <summary>PEM file with the certificate authorities to trust instead of the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>PEM file with the certificate that this box shows.</summary>
    public string? ClientCertificateFile { get; init; }

    /// <summary>PEM file with the key of <see cref="ClientCertificateFile"/>; null when it is in the same file.</summary>
    public string? ClientKeyFile { get; init; }

    /// <summary>What to tell the model.</summary>
    public PromptDialect Prompt { get; init; } = PromptDialect.Code;

    /// <summary>How much of our form a reply must have; null (the default): lenient for <see cref="PromptDialect.Instructions"/>, else strict.</summary>
    public ReplyProfile? Profile { get; init; }

    /// <summary>Which members limit the length of a reply.</summary>
    public TokenLimitField TokenLimit { get; init; } = TokenLimitField.MaxCompletionTokens;

    /// <summary>Longest reply in tokens; 16 to 4,096; 768 by default, above the longest reply to the longest code.</summary>
    public int MaxTokens { get; init; } = 768;

    /// <summary>How an answer is asked for.</summary>
    public StructuredOutput StructuredOutput { get; init; } = StructuredOutput.None;

    /// <summary>Whether to ask for token log-probabilities.</summary>
    public bool Logprobs { get; init; }

    /// <summary>Largest request body in bytes; 1,024 to 64 MiB; 1 MiB by default, the least that gateways are set to.</summary>
    public int BodyLimitBytes { get; init; } = 1 << 20;

    /// <summary>Path that answers 2xx when the server is well, such as <c>/health</c>, from the root of the host; null when there is none.</summary>
    public string? HealthPath { get; init; }

    /// <summary>The API key as it is now; null when none is configured.</summary>
    /// <exception cref="IOException">Its file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Its file may not be read.</exception>
    public string? ReadKey() => this switch
    {
        { ApiKeyFile: { } file } => File.ReadAllText(file).Trim(),
        { ApiKeyVariable: { } variable } => Environment.GetEnvironmentVariable(variable),
        _ => null,
    };

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "name: expected a name, found nothing";
        if (!Uri.TryCreate(Url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            yield return $"url: expected an http or https address such as https://host/v1, found '{Url}'";
        if (string.IsNullOrWhiteSpace(Model)) yield return $"model: expected the name of a model, found nothing";
        foreach (var problem in Check.Ranges(("max_tokens", MaxTokens, 16, 4096), ("body_limit_bytes", BodyLimitBytes, 1024, 64 << 20))) yield return problem;
        if (HealthPath is { } path && !path.StartsWith('/')) yield return $"health_path: expected a path that starts with /, found '{path}'";
        if (ClientKeyFile is not null && ClientCertificateFile is null) yield return $"client_key_file is given without client_certificate_file";
        foreach (var (option, file) in Files())
        {
            if (file is not null && !File.Exists(file)) yield return $"{option}: there is no file '{file}'";
        }

        if (ApiKeyFile is null && ApiKeyVariable is { } variable && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable)))
            yield return $"api_key_variable: the environment variable {variable} is not set";
    }

    /// <summary>Whether a reply may have another form than ours.</summary>
    public bool TakesOtherForms => (Profile ?? (Prompt == PromptDialect.Instructions ? ReplyProfile.Lenient : ReplyProfile.Strict)) == ReplyProfile.Lenient;

    private (string Option, string? File)[] Files() =>
        [("api_key_file", ApiKeyFile), ("ca_file", CaFile), ("client_certificate_file", ClientCertificateFile), ("client_key_file", ClientKeyFile)];
}
