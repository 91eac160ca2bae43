namespace Vlm.Core.Tests.House;

/// <summary>
/// The picture of the code base that is allowed, as data: every folder of a program is a room, and a room uses the rooms named after it and no others.
/// </summary>
internal static class HousePlan
{
    /// <summary>The projects, the namespace of each, and the projects it may use.</summary>
    public static readonly Project[] Projects =
    [
        new("src/Core", "Vlm", []),
        new("src/Cli", "Vlm.CommandLine", ["src/Core"]),
        new("src/Hosting", "Vlm.Hosting", ["src/Core", "src/Cli"]),
        new("src/Edge", "Vlm.Edge", ["src/Core", "src/Cli", "src/Hosting"]),
        new("src/Escalation", "Vlm.Escalation", ["src/Core", "src/Cli", "src/Hosting"]),
        new("src/Trainer", "Vlm.Trainer", ["src/Core", "src/Cli"]),
        new("export", "Vlm.Export", ["src/Core", "src/Cli"]),
    ];

    /// <summary>
    /// What a room may use of its own project, from the ground up. A room that is not here is free but for cycles and <see cref="Forbidden"/>; in Core every
    /// room must be here. The project's own folder holds what all its rooms share, or who knows them all; it cannot be both.
    /// </summary>
    public static readonly Dictionary<string, string[]> Rooms = new()
    {
        ["src/Core"] = [],
        ["src/Core/Files"] = ["src/Core"],
        ["src/Core/Statistics"] = ["src/Core"],
        ["src/Core/Model"] = ["src/Core", "src/Core/Files"],
        ["src/Core/Vision"] = ["src/Core", "src/Core/Files", "src/Core/Model"],
        ["src/Core/Text"] = ["src/Core", "src/Core/Files", "src/Core/Model", "src/Core/Vision"],
        ["src/Core/Drawing"] = ["src/Core", "src/Core/Vision"],
        ["src/Core/Cryptogram"] = ["src/Core", "src/Core/Statistics"],
        ["src/Core/Puzzles"] = ["src/Core", "src/Core/Cryptogram", "src/Core/Drawing", "src/Core/Statistics", "src/Core/Vision"],
        ["src/Core/Finding"] = ["src/Core", "src/Core/Vision"],
        ["src/Core/Package"] = ["src/Core", "src/Core/Files", "src/Core/Model", "src/Core/Text", "src/Core/Vision"],
        ["src/Core/Engine"] = ["src/Core", "src/Core/Package", "src/Core/Text", "src/Core/Vision"],
        ["src/Core/Engine/Ort"] =
        [
            "src/Core", "src/Core/Engine", "src/Core/Files", "src/Core/Finding", "src/Core/Model", "src/Core/Package", "src/Core/Vision",
        ],
        ["src/Core/Engine/GenAi"] = ["src/Core", "src/Core/Engine", "src/Core/Model", "src/Core/Package", "src/Core/Vision"],
        ["src/Core/Solving"] =
        [
            "src/Core", "src/Core/Cryptogram", "src/Core/Engine", "src/Core/Engine/GenAi", "src/Core/Engine/Ort", "src/Core/Finding", "src/Core/Model",
            "src/Core/Package", "src/Core/Statistics", "src/Core/Text", "src/Core/Vision",
        ],
        ["src/Core/Gating"] =
        [
            "src/Core", "src/Core/Cryptogram", "src/Core/Engine", "src/Core/Files", "src/Core/Package", "src/Core/Solving", "src/Core/Statistics",
            "src/Core/Vision",
        ],
        ["src/Hosting"] = [],
        ["src/Hosting/Http"] = ["src/Hosting"],
        ["src/Hosting/Chat"] = ["src/Hosting/Http"],
        // The project's own folder: what the program is made of, who knows all below it, and its configuration.
        ["src/Edge"] =
        [
            "src/Edge/Answers", "src/Edge/Cameras", "src/Edge/Cameras/Sources", "src/Edge/Escalations", "src/Edge/Messages", "src/Edge/Mqtt",
            "src/Edge/Queries", "src/Edge/Routing", "src/Edge/Scenes", "src/Edge/Storage", "src/Edge/Watching",
        ],
        ["src/Edge/Cameras"] = ["src/Edge/Messages", "src/Edge/Scenes"],
        ["src/Edge/Cameras/Sources"] = ["src/Edge/Cameras"],
        ["src/Edge/Scenes"] = [],
        ["src/Edge/Messages"] = [],
        ["src/Edge/Mqtt"] = [],
        ["src/Edge/Routing"] = [],
        ["src/Edge/Storage"] = [],
        ["src/Edge/Answers"] = ["src/Edge/Routing", "src/Edge/Scenes", "src/Edge/Storage"],
        ["src/Edge/Escalations"] = ["src/Edge/Routing", "src/Edge/Scenes", "src/Edge/Storage"],
        ["src/Edge/Queries"] = ["src/Edge/Answers", "src/Edge/Escalations", "src/Edge/Routing", "src/Edge/Scenes", "src/Edge/Storage"],
        ["src/Edge/Watching"] =
        [
            "src/Edge/Answers", "src/Edge/Cameras", "src/Edge/Messages", "src/Edge/Mqtt", "src/Edge/Queries", "src/Edge/Routing", "src/Edge/Scenes",
        ],
        ["src/Edge/Page"] =
        [
            "src/Edge", "src/Edge/Answers", "src/Edge/Cameras", "src/Edge/Escalations", "src/Edge/Queries", "src/Edge/Storage", "src/Edge/Watching",
        ],
        ["src/Edge/Api"] =
        [
            "src/Edge", "src/Edge/Answers", "src/Edge/Cameras", "src/Edge/Cameras/Sources", "src/Edge/Escalations", "src/Edge/Page", "src/Edge/Queries",
            "src/Edge/Routing", "src/Edge/Storage", "src/Edge/Watching",
        ],
        ["src/Escalation"] = ["src/Escalation/Chat", "src/Escalation/Work"],
        ["src/Escalation/Work"] = [],
        ["src/Escalation/Chat"] = ["src/Escalation/Work"],
        ["src/Escalation/Commands"] = ["src/Escalation", "src/Escalation/Work"],
        ["src/Trainer"] = ["src/Trainer/Commands"],
        ["src/Trainer/Checkpoints"] = [],
        ["src/Trainer/Hub"] = [],
        ["src/Trainer/Model"] = [],
        ["src/Trainer/Optimization"] = ["src/Trainer/Model"],
        ["src/Trainer/Config"] = ["src/Trainer/Model", "src/Trainer/Optimization"],
        ["src/Trainer/Data"] = ["src/Trainer/Config", "src/Trainer/Model"],
        ["src/Trainer/Sampling"] = ["src/Trainer/Data", "src/Trainer/Model"],
        ["src/Trainer/Runs"] = ["src/Trainer/Config", "src/Trainer/Data", "src/Trainer/Model", "src/Trainer/Sampling"],
        ["src/Trainer/Supervised"] =
        [
            "src/Trainer/Config", "src/Trainer/Data", "src/Trainer/Model", "src/Trainer/Optimization", "src/Trainer/Runs",
            "src/Trainer/Sampling",
        ],
        ["src/Trainer/Grpo"] =
        [
            "src/Trainer/Config", "src/Trainer/Data", "src/Trainer/Model", "src/Trainer/Optimization", "src/Trainer/Runs",
            "src/Trainer/Sampling",
        ],
        ["src/Trainer/Finder"] =
        [
            "src/Trainer/Config", "src/Trainer/Data", "src/Trainer/Model", "src/Trainer/Optimization", "src/Trainer/Runs",
        ],
        ["src/Trainer/Planning"] = ["src/Trainer/Data", "src/Trainer/Grpo", "src/Trainer/Model", "src/Trainer/Optimization", "src/Trainer/Sampling"],
        ["src/Trainer/Commands"] =
        [
            "src/Trainer/Checkpoints", "src/Trainer/Config", "src/Trainer/Data", "src/Trainer/Finder", "src/Trainer/Grpo", "src/Trainer/Hub",
            "src/Trainer/Model", "src/Trainer/Optimization", "src/Trainer/Planning", "src/Trainer/Runs", "src/Trainer/Sampling", "src/Trainer/Supervised",
        ],
        ["export"] = ["export/Commands"],
        ["export/Options"] = [],
        ["export/Onnx"] = ["export/Options"],
        ["export/Graphs"] = ["export/Onnx", "export/Options"],
        ["export/Package"] = ["export/Graphs", "export/Onnx", "export/Options"],
        ["export/Check"] = ["export/Graphs", "export/Onnx", "export/Options", "export/Package"],
        ["export/Check/GenAi"] = ["export/Check"],
        ["export/Commands"] = ["export/Check", "export/Check/GenAi", "export/Graphs", "export/Onnx", "export/Options", "export/Package"],
    };

    /// <summary>Directions that are never allowed, whatever the table above comes to say. An ending <c>/*</c> stands for a room and all below it.</summary>
    public static readonly (string From, string To)[] Forbidden =
    [
        ("src/Core/Engine/*", "src/Core/Cryptogram"),
        ("src/Core/Engine/*", "src/Core/Puzzles"),
        ("src/Core/Engine/*", "src/Core/Solving"),
        ("src/Core/Engine/*", "src/Core/Gating"),
        ("src/Core/Cryptogram", "src/Core/Puzzles"),
        ("src/Edge/Queries", "src/Edge/Serve"),
        ("src/Edge/Queries", "src/Edge/Api"),
        ("src/Edge/Routing", "src/Edge/Queries"),
    ];

    /// <summary>Projects some of whose rooms still know each other in a circle. They are being untied: take out those that are, add none.</summary>
    public static readonly string[] Knotted = [];

    /// <summary>A package, and the folders or files that may know it.</summary>
    public static readonly (string Package, string[] Places)[] Packages =
    [
        ("Microsoft.ML.OnnxRuntime", ["src/Core/Engine/Ort/", "export/Check/"]),
        ("Microsoft.ML.OnnxRuntimeGenAI", ["src/Core/Engine/GenAi/", "export/Check/"]),
        ("Microsoft.ML.Tokenizers", ["src/Core/Text/"]),
        ("SkiaSharp", ["src/Core/Vision/ImageCodec.cs", "src/Core/Drawing/Canvas.cs"]),
        ("TorchSharp", ["src/Trainer/"]),
        ("ICSharpCode.SharpZipLib", ["src/Trainer/Runs/"]),
        ("Google.Protobuf", ["export/Onnx/"]),
        ("Microsoft.Data.Sqlite", ["src/Edge/Storage/SqliteFile.cs"]),
        ("MQTTnet", ["src/Edge/Mqtt/MqttLink.cs"]),
    ];

    /// <summary>Columns of a line.</summary>
    public const int Width = 160;

    /// <summary>Lines of a file, and of those that are allowed more.</summary>
    public const int Length = 400;

    public static readonly Dictionary<string, int> LongFiles = new()
    {
        ["src/Trainer/Model/QwenVl.cs"] = 600,
        ["tests/Core.Tests/Vision/ImageCodecTests.cs"] = 430,
    };
}

/// <summary>A project, its root namespace, and the projects that it may use.</summary>
internal sealed record Project(string Folder, string Namespace, string[] Uses);
