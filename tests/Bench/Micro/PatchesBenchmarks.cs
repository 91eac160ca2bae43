using BenchmarkDotNet.Attributes;
using Vlm.Puzzles;
using Vlm.Vision;

namespace Vlm.Bench.Micro;

/// <summary>What does a picture cost before the model sees it?</summary>
[MemoryDiagnoser]
public class PatchesBenchmarks
{
    private readonly PictureConfig _config = new() { MinPixels = 252 * 252, MaxPixels = 252 * 252 };
    private byte[] _jpeg = [];
    private RgbImage _picture = null!;

    /// <summary>Side of the square picture: the reference layout's, and a camera's.</summary>
    [Params(400, 1600)]
    public int Side { get; set; }

    [GlobalSetup]
    public void Draw()
    {
        var sheet = new PuzzleSource(PuzzleOptions.For(Split.Clean), seed: 1).At(0).Picture;
        _picture = Resize.Bicubic(sheet, Side, Side);
        _jpeg = ImageCodec.EncodeJpeg(_picture, 90);
    }

    [Benchmark]
    public RgbImage Decoded() => ImageCodec.Decode(_jpeg);

    [Benchmark]
    public RgbImage Resized()
    {
        var (height, width) = Resize.Smart(_picture.Height, _picture.Width, _config);
        return Resize.Bicubic(_picture, width, height);
    }

    /// <summary>Resizing included.</summary>
    [Benchmark]
    public Patches ToPatches() => Patches.From(_picture, _config);
}
