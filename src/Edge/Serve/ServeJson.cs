using System.Text.Json.Serialization;

namespace Vlm.Edge.Serve;

/// <summary>All that the API reads and writes.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 16)]
[JsonSerializable(typeof(SolveRequest))]
[JsonSerializable(typeof(AnswerBody))]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(StoredBody))]
[JsonSerializable(typeof(CorrectionEvent))]
[JsonSerializable(typeof(NotCorrectedEvent))]
[JsonSerializable(typeof(AlarmEvent))]
[JsonSerializable(typeof(StateBody))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ChatCompletion))]
[JsonSerializable(typeof(ChatChunk))]
internal sealed partial class ServeJson : JsonSerializerContext;
