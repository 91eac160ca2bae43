using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Edge.Solve;

/// <summary>A picture in the dark, lit where the model looked.</summary>
/// <remarks>The light is the attention itself: brightest where it is strongest, spread over the tokens that share it.</remarks>
internal sealed class Spotlight
{
    // Lifts what is between none and most, so that a second place is seen too. The published demonstration's value is 0.4.
    private const double Gamma = 0.5;

    // Of a token's side: the light of one token reaches into its neighbours, for what is read is seldom in the middle of a token.
    private const double Spread = 1;

    // Tokens with less light than this are dark.
    private const double Least = 0.05;

    private readonly RgbImage _picture;
    private readonly int _columns, _rows;

    /// <param name="picture">What the model saw, in any size.</param>
    /// <param name="grid">How it was cut into patches.</param>
    /// <param name="tokens">Squares of merged patches; both sides of the grid shrink alike.</param>
    public Spotlight(RgbImage picture, PatchGrid grid, int tokens)
    {
        _picture = picture;
        var merge = (int)Math.Round(Math.Sqrt((double)grid.Patches / tokens));
        (_rows, _columns) = (grid.Rows / merge, grid.Columns / merge);
    }

    /// <summary>A token's width and height in the picture.</summary>
    public (double Width, double Height) Token => ((double)_picture.Width / _columns, (double)_picture.Height / _rows);

    /// <summary>Half of the width and of the height of the light of one token, to where it is half as bright.</summary>
    public (double X, double Y) Radius => (Spread * Token.Width, Spread * Token.Height);

    /// <summary>Where the light of a letter is: the mean of the tokens that have at least half of the most.</summary>
    public (double X, double Y) Centre(LetterAttention letter)
    {
        var most = letter.Weights.Max();
        double x = 0, y = 0, sum = 0;
        for (var i = 0; i < letter.Weights.Length; i++)
        {
            if (letter.Weights[i] < most / 2) continue;
            x += letter.Weights[i] * (i % _columns + 0.5);
            y += letter.Weights[i] * (i / _columns + 0.5);
            sum += letter.Weights[i];
        }

        return (x / sum * Token.Width, y / sum * Token.Height);
    }

    /// <summary>The picture, lit where the model looked for any of these letters.</summary>
    public RgbImage Light(IEnumerable<LetterAttention> letters)
    {
        var light = new float[_picture.Width * _picture.Height];
        foreach (var letter in letters) Add(light, letter);
        var pixels = new byte[_picture.Pixels.Length];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = Shade(_picture.Pixels[i], i % 3, light[i / 3]);
        return new RgbImage(_picture.Width, _picture.Height, pixels);
    }

    private void Add(float[] light, LetterAttention letter)
    {
        var most = letter.Weights.Max();
        for (var token = 0; token < letter.Weights.Length; token++)
        {
            var strength = most > 0 ? Math.Pow(letter.Weights[token] / most, Gamma) : 0;
            if (strength >= Least) AddToken(light, token, strength);
        }
    }

    private void AddToken(float[] light, int token, double strength)
    {
        var (width, height) = Token;
        var (x, y) = ((token % _columns + 0.5) * width, (token / _columns + 0.5) * height);
        var (reachX, reachY) = (Spread * width, Spread * height);
        for (var row = Math.Max(0, (int)(y - 2 * reachY)); row < Math.Min(_picture.Height, y + 2 * reachY); row++)
        {
            for (var column = Math.Max(0, (int)(x - 2 * reachX)); column < Math.Min(_picture.Width, x + 2 * reachX); column++)
            {
                var (dx, dy) = ((column + 0.5 - x) / reachX, (row + 0.5 - y) / reachY);
                var here = (float)(strength * Falloff(Math.Sqrt(dx * dx + dy * dy)));
                ref var place = ref light[row * _picture.Width + column];
                place = Math.Max(place, here);
            }
        }
    }

    // 1 within half of the reach, smoothly to 0 at one and a half.
    private static double Falloff(double distance)
    {
        var t = Math.Clamp(1.5 - distance, 0, 1);
        return t * t * (3 - 2 * t);
    }

    // In the dark a fifth of the picture is left, on a dark blue.
    private static byte Shade(byte value, int channel, float light)
    {
        var dark = value * 0.2f + (channel == 0 ? 12 : channel == 1 ? 20 : 32);
        return (byte)(dark + (value - dark) * light);
    }
}
