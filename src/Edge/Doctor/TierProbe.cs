using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Vlm.Edge.Escalations;

namespace Vlm.Edge.Doctor;

/// <summary>What an endpoint said.</summary>
/// <param name="Diagnosis">Whether it can be used.</param>
/// <param name="Time">The time that it gave; null when it did not answer.</param>
internal sealed record TierAnswer(Diagnosis Diagnosis, DateTimeOffset? Time);

/// <summary>Asks an endpoint of the larger model for its list of models: the address, the connection, the key and the model's name in one request.</summary>
internal static class TierProbe
{
    private const int ListBytes = 1 << 20;

    /// <summary>Asks; never throws for what the network does.</summary>
    public static async Task<TierAnswer> AskAsync(EndpointOptions endpoint, EscalationOptions options, CancellationToken cancellation)
    {
        Diagnosis Unusable(string found, string toDo) => Diagnosis.Unusable(Topic.Tier, endpoint.Name, isNeeded: true, found, toDo);
        try
        {
            using var client = new HttpClient(EndpointTls.Handler(endpoint, options))
            {
                Timeout = TimeSpan.FromSeconds(options.AttemptTimeoutSeconds),
                MaxResponseContentBufferSize = ListBytes,
            };
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(endpoint.Url.TrimEnd('/') + "/"), "models"));
            if (endpoint.ReadKey() is { } key) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
            using var response = await client.SendAsync(request, cancellation);
            return new TierAnswer(Judge(endpoint, response.StatusCode, await response.Content.ReadAsStringAsync(cancellation)), response.Headers.Date);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            var why = e is HttpRequestException ? Innermost(e).Message : $"no answer within {options.AttemptTimeoutSeconds} s";
            return new TierAnswer(Unusable($"{endpoint.Url}: {why}", "Check the address, the network and that the server runs."), null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or CryptographicException)
        {
            return new TierAnswer(Unusable(e.Message, "Check api_key_file, ca_file, client_certificate_file and client_key_file."), null);
        }
    }

    /// <summary>What the answer means: pure.</summary>
    public static Diagnosis Judge(EndpointOptions endpoint, HttpStatusCode status, string body)
    {
        Diagnosis Unusable(string found, string toDo) => Diagnosis.Unusable(Topic.Tier, endpoint.Name, isNeeded: true, $"{endpoint.Url}: {found}", toDo);
        if (status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            return Unusable($"it does not know the key ({(int)status})", "Put the key that the server's operator gave into api_key_file or the variable.");
        if (status == HttpStatusCode.NotFound)
            return Diagnosis.Usable(Topic.Tier, endpoint.Name, $"{endpoint.Url}: it answers, but lists no models (404), so the model's name was not checked");
        if (status != HttpStatusCode.OK) return Unusable($"it answered {(int)status}", "See the server's log.");
        return Models(body) is not { } models
            ? Unusable("it answered 200, but not with a list of models", "The address must end with the version, as in https://host/v1.")
            : models.Contains(endpoint.Model)
                ? Diagnosis.Usable(Topic.Tier, endpoint.Name, $"{endpoint.Url} serves '{endpoint.Model}'")
                : Unusable($"it does not serve '{endpoint.Model}' but {string.Join(", ", models.Select(model => $"'{model}'"))}", "Set model to one of these.");
    }

    private static string[]? Models(string body)
    {
        try
        {
            using var list = JsonDocument.Parse(body);
            return [.. list.RootElement.GetProperty("data").EnumerateArray().Select(model => model.GetProperty("id").GetString()!)];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }

    private static Exception Innermost(Exception e)
    {
        while (e.InnerException is { } inner) e = inner;
        return e;
    }
}
