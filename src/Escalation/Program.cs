using System.CommandLine;
using Vlm.Inference;

Telemetry.Off();
var root = new RootCommand("The larger model behind an OpenAI-compatible endpoint.");
return await root.Parse(args).InvokeAsync();
