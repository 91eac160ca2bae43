using System.Text.Json.Serialization;

namespace Vlm.Edge.Api;

/// <summary>All that the box's own interface reads and writes.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 16)]
[JsonSerializable(typeof(AnswerBody))]
[JsonSerializable(typeof(StoredBody))]
[JsonSerializable(typeof(CorrectionEvent))]
[JsonSerializable(typeof(NotCorrectedEvent))]
[JsonSerializable(typeof(AlarmEvent))]
[JsonSerializable(typeof(AlarmOverEvent))]
[JsonSerializable(typeof(ReviewEvent))]
[JsonSerializable(typeof(PublishedEvent))]
[JsonSerializable(typeof(WithdrawnEvent))]
[JsonSerializable(typeof(CameraDownEvent))]
[JsonSerializable(typeof(CameraUpEvent))]
[JsonSerializable(typeof(ReviewBody))]
[JsonSerializable(typeof(StateBody))]
[JsonSerializable(typeof(WatchBody))]
[JsonSerializable(typeof(DeadLettersBody))]
[JsonSerializable(typeof(CountBody))]
[JsonSerializable(typeof(EdgeCompletion))]
[JsonSerializable(typeof(EdgeChunk))]
internal sealed partial class ApiJson : JsonSerializerContext;
