using System.Runtime.InteropServices;
using Vlm.Engine;
using Vlm.Solving;

namespace Vlm.Core.Tests.Engine;

/// <summary>Where a package runs, decided from what was asked for, what the build has and what the machine lacks.</summary>
public sealed class ProviderChoiceTests
{
    private static readonly MissingLibrary[] Runtime =
    [
        new("the CUDA 13 runtime", "libcudart.so.13"), new("cuBLAS", "libcublas.so.13"), new("cuBLAS", "libcublasLt.so.13"),
    ];

    [Theory]
    [InlineData(ProviderKind.Auto, EngineKind.Ort, null, false, ProviderKind.Cpu, PlacementReason.OnlyOne)]
    [InlineData(ProviderKind.Auto, EngineKind.Genai, null, false, ProviderKind.Cpu, PlacementReason.OnlyOne)]
    [InlineData(ProviderKind.Auto, EngineKind.Genai, ProviderKind.Cuda, false, ProviderKind.Cpu, PlacementReason.EngineHasNone)]
    [InlineData(ProviderKind.Auto, EngineKind.Ort, ProviderKind.Cuda, false, ProviderKind.Cuda, PlacementReason.Found)]
    [InlineData(ProviderKind.Auto, EngineKind.Ort, ProviderKind.Cuda, true, ProviderKind.Cpu, PlacementReason.LibraryMissing)]
    [InlineData(ProviderKind.Auto, EngineKind.Ort, ProviderKind.Directml, false, ProviderKind.Directml, PlacementReason.Found)]
    [InlineData(ProviderKind.Cpu, EngineKind.Ort, ProviderKind.Cuda, false, ProviderKind.Cpu, PlacementReason.Asked)]
    [InlineData(ProviderKind.Cpu, EngineKind.Ort, null, false, ProviderKind.Cpu, PlacementReason.Asked)]
    [InlineData(ProviderKind.Cuda, EngineKind.Ort, ProviderKind.Cuda, false, ProviderKind.Cuda, PlacementReason.Asked)]
    [InlineData(ProviderKind.Directml, EngineKind.Ort, ProviderKind.Directml, false, ProviderKind.Directml, PlacementReason.Asked)]
    public void What_can_be_had_is_used_and_auto_falls_back_to_the_processor(
        ProviderKind wanted, EngineKind engine, ProviderKind? built, bool isMissing, ProviderKind provider, PlacementReason reason)
    {
        var use = Assert.IsType<ProviderDecision.Use>(ProviderChoice.Decide(wanted, new ProviderFacts(engine, built, isMissing ? Runtime : [])));

        Assert.Equal((provider, reason), (use.Placement.Provider, use.Placement.Reason));
        Assert.Equal(isMissing, use.Placement.IsFallback);
    }

    [Theory]
    [InlineData(ProviderKind.Cuda, EngineKind.Ort, null, false, "-p:Accelerator=cuda")]
    [InlineData(ProviderKind.Directml, EngineKind.Ort, ProviderKind.Cuda, false, "-p:Accelerator=directml")]
    [InlineData(ProviderKind.Cuda, EngineKind.Genai, ProviderKind.Cuda, false, "engine 'ort'")]
    [InlineData(ProviderKind.Cuda, EngineKind.Ort, ProviderKind.Cuda, true, "cuBLAS (libcublas.so.13, libcublasLt.so.13) cannot be loaded")]
    public void What_was_asked_for_by_name_and_cannot_be_had_is_refused_with_what_to_do(
        ProviderKind wanted, EngineKind engine, ProviderKind? built, bool isMissing, string message)
    {
        var refuse = Assert.IsType<ProviderDecision.Refuse>(ProviderChoice.Decide(wanted, new ProviderFacts(engine, built, isMissing ? Runtime : [])));

        Assert.Contains(message, refuse.Message, StringComparison.Ordinal);
        Assert.Contains("'cpu'", refuse.Message, StringComparison.Ordinal);
        if (isMissing) Assert.Contains("install an NVIDIA driver", refuse.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_line_says_what_runs_where_what_is_missing_and_what_to_install()
    {
        MissingLibrary[] missing = [new("the NVIDIA driver", "libcuda.so.1"), .. Runtime, new("cuRAND", "libcurand.so.10")];
        var facts = new ProviderFacts(EngineKind.Ort, ProviderKind.Cuda, missing);

        var line = Assert.IsType<ProviderDecision.Use>(ProviderChoice.Decide(ProviderKind.Auto, facts)).Placement.ToString();

        Assert.StartsWith("Runs on the CPU: CUDA needs the NVIDIA driver (libcuda.so.1), the CUDA 13 runtime", line, StringComparison.Ordinal);
        Assert.Contains("cuRAND (libcurand.so.10), which cannot be loaded; to use it, install", line, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', line);
    }

    [Fact]
    public void Libraries_are_found_as_the_systems_loader_finds_them()
    {
        var there = RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "kernel32.dll" : "libc.so.6";

        var missing = ProviderLibraries.Missing([new("the C library", there), new("nothing", "libthere-is-no-such-library.so.9")]);

        Assert.Equal("libthere-is-no-such-library.so.9", Assert.Single(missing).File);
        Assert.Equal(5, ProviderLibraries.Needed(ProviderKind.Cuda).Count);
        Assert.Empty(ProviderLibraries.Needed(ProviderKind.Cpu));
    }

    [Theory]
    [InlineData(ProviderKind.Cuda)]
    [InlineData(ProviderKind.Directml)]
    public void A_provider_that_does_not_start_is_an_error_of_its_own_with_what_to_install(ProviderKind provider)
    {
        Assert.SkipWhen(ProviderLibraries.Facts(EngineKind.Ort) is { Built: { } built, Missing: [] } && built == provider, "this machine has it");
        var placement = new Placement(provider, PlacementReason.Asked, "it was asked for");

        var error = Assert.Throws<ProviderException>(() => Engines.Open(ReferencePackage.Package, new EngineOptions(), placement));

        Assert.Contains("does not start", error.Message, StringComparison.Ordinal);
        Assert.Contains(ProviderChoice.ToInstall(provider), error.Message, StringComparison.Ordinal);
        Assert.StartsWith("Runs on the CPU: ", placement.FallBack(PlacementReason.DidNotStart, error.Message).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_package_opens_on_the_processor_where_nothing_better_is_and_a_named_provider_is_one_error()
    {
        using var model = Engines.Open(ReferencePackage.Package, new EngineOptions { Threads = 1, Provider = ProviderKind.Cpu });
        Assert.Equal(new Placement(ProviderKind.Cpu, PlacementReason.Asked, "it was asked for"), model.Placement);
        Assert.SkipWhen(ProviderLibraries.Facts(EngineKind.Ort) is { Built: ProviderKind.Cuda, Missing: [] }, "this machine can run CUDA");

        using var automatic = ReferencePackage.Open();
        var error = Assert.Throws<UserException>(() => Engines.Open(ReferencePackage.Package, new EngineOptions { Provider = ProviderKind.Cuda }));

        Assert.Equal(ProviderKind.Cpu, automatic.Placement.Provider);
        Assert.Contains(ProviderLibraries.Built is null ? "-p:Accelerator=cuda" : "libcudart.so.13", error.Message, StringComparison.Ordinal);
    }
}
