using Vlm.Core.Tests.Engine;
using Vlm.Engine;
using Vlm.Solving;

namespace Vlm.Core.Tests.Solving;

public sealed class EnginesTests
{
    [Fact]
    public void An_engine_that_the_build_does_not_have_says_how_to_get_it()
    {
#if GENAI
        Engines.Open(ReferencePackage.Package, new EngineOptions { Kind = EngineKind.Genai }).Dispose();
#else
        var error = Assert.Throws<UserException>(() => Engines.Open(ReferencePackage.Package, new EngineOptions { Kind = EngineKind.Genai }));
        Assert.Contains("-p:Accelerator=genai", error.Message, StringComparison.Ordinal);
#endif
    }
}
