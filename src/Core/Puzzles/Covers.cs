using Vlm.Drawing;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Puzzles;

/// <summary>Something opaque over a picture.</summary>
/// <param name="Inside">From a point of the picture, in pixels, to its distance from the border: positive inside.</param>
/// <param name="Colour">From a point of the picture to what is seen there.</param>
/// <param name="Softness">Pixels over which it fades out around its border.</param>
internal sealed record Cover(Func<float, float, float> Inside, Func<float, float, Colour> Colour, float Softness);

/// <summary>
/// Covers over letters: blots, squares, stickers, fingers, glare, tears. A cover is decisive or it is not taken: every letter under it is hidden altogether or
/// free altogether, so that nobody can argue about what can be read.
/// </summary>
internal sealed class Covers
{
    private const int Tries = 24;

    // Points that a letter's box is tried at, in each direction.
    private const int Probes = 5;

    private readonly SheetPicture _sheet;
    private readonly SeededRandom _rng;
    private readonly bool[] _isHidden;
    private readonly byte[] _pixels;

    public Covers(SheetPicture sheet, SeededRandom rng)
    {
        (_sheet, _rng, _isHidden) = (sheet, rng, new bool[sheet.Boxes.Count]);
        _pixels = (byte[])sheet.Picture.Pixels.Clone();
    }

    private int Width => _sheet.Picture.Width;

    private int Height => _sheet.Picture.Height;

    /// <summary>Whether each pair of the sheet has a hidden letter.</summary>
    public IReadOnlyList<bool> IsHidden => _isHidden;

    /// <summary>The picture with what lies over it.</summary>
    public RgbImage Picture => new(Width, Height, _pixels);

    /// <summary>Hides a letter of a pair, or all of it.</summary>
    public void Hide(int pair)
    {
        var (coded, plain) = (_sheet.Boxes[pair].Coded, _sheet.Boxes[pair].Plain);
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            // Tight ones last: they nearly always fit.
            var reach = attempt < Tries / 2 ? _rng.Uniform(1.5f, 5) : 1.5f;
            var target = _rng.NextDouble() switch { < 0.5 => plain, < 0.75 => coded, _ => Around(coded, plain) };
            if (Take(attempt < Tries / 2 ? Blot(target, reach) : Square(target, reach))) return;
        }
    }

    /// <summary>Lays something large over the picture that hides whatever is under it, maybe nothing.</summary>
    public void Lay()
    {
        var look = _rng.NextDouble();
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var cover = look switch { < 0.4 => Finger(), < 0.65 => Glare(), < 0.9 => Tear(), _ => Blot(Anywhere(), _rng.Uniform(1, 8)) };
            if (Take(cover)) return;
        }
    }

    /// <summary>Cuts the picture at one side, so that whole columns or rows of letters lie beyond the frame's edge.</summary>
    public SheetPicture Cut()
    {
        var current = _sheet with { Picture = Picture };
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var side = _rng.Next(4);
            var cut = (int)(_rng.Uniform(0.06f, 0.5f) * (side < 2 ? Width : Height));
            var kept = side switch
            {
                0 => new Box(cut, 0, Width - cut, Height),
                1 => new Box(0, 0, Width - cut, Height),
                2 => new Box(0, cut, Width, Height - cut),
                _ => new Box(0, 0, Width, Height - cut),
            };
            if (Take((x, y) => -Depth(kept, x, y), margin: 1)) return Crop(current, kept);
        }

        return current;
    }

    /// <summary>How far inside a box a point is; negative outside.</summary>
    private static float Depth(Box box, float x, float y) =>
        MathF.Min(MathF.Min(x - box.Left, box.Left + box.Width - x), MathF.Min(y - box.Top, box.Top + box.Height - y));

    private static SheetPicture Crop(SheetPicture sheet, Box kept)
    {
        var (left, top, width, height) = ((int)kept.Left, (int)kept.Top, (int)kept.Width, (int)kept.Height);
        var pixels = new byte[width * height * 3];
        for (var row = 0; row < height; row++)
            sheet.Picture.Pixels.AsSpan((((top + row) * sheet.Picture.Width) + left) * 3, width * 3).CopyTo(pixels.AsSpan(row * width * 3));
        return new SheetPicture(
            new RgbImage(width, height, pixels), [.. sheet.Labels.Select(label => label.Moved((x, y) => (x - left, y - top)))], sheet.Boxes);
    }

    private bool Take(Cover cover)
    {
        if (!Take(cover.Inside, 0.5f + cover.Softness)) return false;
        Paint(cover);
        return true;
    }

    /// <summary>Notes what a shape hides; false when a letter would be half hidden.</summary>
    private bool Take(Func<float, float, float> inside, float margin)
    {
        var hidden = new bool[_isHidden.Length];
        for (var pair = 0; pair < hidden.Length; pair++)
        {
            foreach (var box in (ReadOnlySpan<Box>)[_sheet.Boxes[pair].Coded, _sheet.Boxes[pair].Plain])
            {
                var (least, most) = Depth(box, inside);
                if (least >= margin) hidden[pair] = true;
                else if (most > -margin) return false;
            }
        }

        for (var pair = 0; pair < hidden.Length; pair++) _isHidden[pair] |= hidden[pair];
        return true;
    }

    private static (float Least, float Most) Depth(Box box, Func<float, float, float> inside)
    {
        var (least, most) = (float.MaxValue, float.MinValue);
        for (var i = 0; i < Probes * Probes; i++)
        {
            var depth = inside(box.Left + (box.Width * (i % Probes) / (Probes - 1)), box.Top + (box.Height * (i / Probes) / (Probes - 1)));
            (least, most) = (MathF.Min(least, depth), MathF.Max(most, depth));
        }

        return (least, most);
    }

    private void Paint(Cover cover)
    {
        var noise = _rng.Uniform(0, 6);
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                var share = Math.Clamp((cover.Inside(x + 0.5f, y + 0.5f) / (2 * cover.Softness)) + 0.5f, 0, 1);
                if (share == 0) continue;
                var colour = cover.Colour(x, y);
                var grain = _rng.Uniform(-noise, noise);
                var at = ((y * Width) + x) * 3;
                Blend(ref _pixels[at], colour.R + grain, share);
                Blend(ref _pixels[at + 1], colour.G + grain, share);
                Blend(ref _pixels[at + 2], colour.B + grain, share);
            }
        }
    }

    private static void Blend(ref byte pixel, float level, float share) => pixel = (byte)Math.Clamp(pixel + ((level - pixel) * share), 0, 255);

    private Box Anywhere()
    {
        var size = _rng.Uniform(4, 30);
        return new Box(_rng.Uniform(0, Width - size), _rng.Uniform(0, Height - size), size, size * _rng.Uniform(0.5f, 1.5f));
    }

    private static Box Around(Box one, Box other)
    {
        var (left, top) = (MathF.Min(one.Left, other.Left), MathF.Min(one.Top, other.Top));
        return new Box(
            left, top, MathF.Max(one.Left + one.Width, other.Left + other.Width) - left, MathF.Max(one.Top + one.Height, other.Top + other.Height) - top);
    }

    private Cover Blot(Box target, float reach) => _rng.NextDouble() switch
    {
        < 0.35 => Square(target, reach),
        < 0.5 => Sticker(target, reach),
        _ => Drop(target, reach),
    };

    private Cover Square(Box target, float reach)
    {
        var (x, y) = (target.Left + (target.Width / 2), target.Top + (target.Height / 2));
        // Pens and censors' bars are square, or at least wider than an l, which a narrow bar would look like.
        var half = (_rng.Chance(0.5) ? 0.5f : 0.4f) * MathF.Max(target.Width, target.Height);
        return Rectangle((x, y), (MathF.Max(half, target.Width / 2) + reach, MathF.Max(half, target.Height / 2) + reach), 0, Flat(InkColour()));
    }

    private Cover Sticker(Box target, float reach)
    {
        var angle = _rng.Uniform(-0.3f, 0.3f);
        var (x, y) = (target.Left + (target.Width / 2), target.Top + (target.Height / 2));
        var slack = MathF.Abs(angle) * MathF.Max(target.Width, target.Height) / 2;
        return Rectangle((x, y), ((target.Width / 2) + reach + slack, (target.Height / 2) + reach + slack), angle, Flat(AnyColour()));
    }

    private Cover Rectangle((float X, float Y) middle, (float X, float Y) half, float angle, Func<float, float, Colour> colour)
    {
        var (sin, cos) = MathF.SinCos(angle);
        return new Cover(
            (x, y) =>
            {
                var (right, down) = (x - middle.X, y - middle.Y);
                return MathF.Min(half.X - MathF.Abs((right * cos) + (down * sin)), half.Y - MathF.Abs((down * cos) - (right * sin)));
            },
            colour,
            _rng.Uniform(0.3f, 1));
    }

    /// <summary>An ink drop: an ellipse around the target with a wavy border.</summary>
    private Cover Drop(Box target, float reach)
    {
        var (x, y) = (target.Left + (target.Width / 2), target.Top + (target.Height / 2));
        // An ellipse around a rectangle is wider by the root of two.
        var (halfX, halfY) = (MathF.Max(target.Width * 0.72f, target.Height * 0.45f) + reach, (target.Height * 0.72f) + reach);
        var (waves, phase, depth) = (_rng.Between(2, 6), _rng.Uniform(0, 6), _rng.Uniform(0, 0.08f));
        var shape = Ellipse((x, y), (halfX, halfY), angle => 1 + (depth * MathF.Sin((waves * angle) + phase)));
        return new Cover(shape, Flat(InkColour()), _rng.Uniform(0.3f, 1.2f));
    }

    private static Func<float, float, float> Ellipse((float X, float Y) middle, (float X, float Y) half, Func<float, float> wave) => (x, y) =>
    {
        var (right, down) = ((x - middle.X) / half.X, (y - middle.Y) / half.Y);
        return (wave(MathF.Atan2(down, right)) - MathF.Sqrt((right * right) + (down * down))) * MathF.Min(half.X, half.Y);
    };

    /// <summary>A finger from a side of the frame, with light and shadow across and a nail.</summary>
    private Cover Finger()
    {
        var (tipX, tipY) = (_rng.Uniform(0.1f, 0.9f) * Width, _rng.Uniform(0.1f, 0.9f) * Height);
        var (sin, cos) = MathF.SinCos(_rng.Uniform(0, MathF.Tau));
        var thick = _rng.Uniform(0.03f, 0.11f) * MathF.Min(Width, Height);
        var shade = _rng.Uniform(0.25f, 1);
        var (light, dark) = (new Colour((byte)(245 * shade), (byte)(205 * shade), (byte)(180 * shade)), _rng.Uniform(0.5f, 0.9f));
        var hasNail = _rng.Chance(0.5);
        return new Cover(
            (x, y) =>
            {
                var along = ((x - tipX) * cos) + ((y - tipY) * sin);
                var across = ((y - tipY) * cos) - ((x - tipX) * sin);
                return thick - (along >= 0 ? MathF.Abs(across) : MathF.Sqrt((along * along) + (across * across)));
            },
            (x, y) =>
            {
                var along = (((x - tipX) * cos) + ((y - tipY) * sin)) / thick;
                var across = (((y - tipY) * cos) - ((x - tipX) * sin)) / thick;
                var isNail = hasNail && (along - 0.2f) * (along - 0.2f) + (across * across * 1.6f) < 0.35f;
                var bright = (1 - ((1 - dark) * across * across)) * (isNail ? 1.12f : 1);
                return Scaled(light, bright);
            },
            _rng.Uniform(0.5f, 2));
    }

    /// <summary>A reflection in which nothing is left, fading out over a few pixels.</summary>
    private Cover Glare()
    {
        var middle = (_rng.NextSingle() * Width, _rng.NextSingle() * Height);
        var half = (_rng.Uniform(0.04f, 0.3f) * Width, _rng.Uniform(0.04f, 0.3f) * Height);
        var level = (byte)_rng.Between(246, 255);
        return new Cover(Ellipse(middle, half, _ => 1), Flat(new Colour(level, level, level)), _rng.Uniform(1, 4));
    }

    /// <summary>A side or corner that is torn off along a ragged line; the table shows.</summary>
    private Cover Tear()
    {
        var (sin, cos) = MathF.SinCos(_rng.Uniform(0, MathF.Tau));
        var reach = ((MathF.Abs(cos) * Width) + (MathF.Abs(sin) * Height)) / 2;
        var cut = reach * _rng.Uniform(0.35f, 0.95f);
        var (waves, phase, depth) = (_rng.Uniform(0.03f, 0.12f), _rng.Uniform(0, 6), _rng.Uniform(0, 4));
        var table = AnyColour();
        return new Cover(
            (x, y) =>
            {
                var (right, down) = (x - (Width / 2f), y - (Height / 2f));
                var along = (down * cos) - (right * sin);
                var ragged = MathF.Sin((waves * along) + phase) + (0.5f * MathF.Sin((3.1f * waves * along) + (2 * phase)));
                return (right * cos) + (down * sin) - cut + (depth * ragged);
            },
            Flat(table),
            _rng.Uniform(0.3f, 1.5f));
    }

    private Colour InkColour() => _rng.Chance(0.6) ? Grey(_rng.Between(0, 60)) : AnyColour();

    private Colour AnyColour() => _rng.Chance(0.4)
        ? Grey(_rng.Between(0, 255))
        : new Colour((byte)_rng.Between(0, 255), (byte)_rng.Between(0, 255), (byte)_rng.Between(0, 255));

    private static Colour Grey(int level) => new((byte)level, (byte)level, (byte)level);

    private static Colour Scaled(Colour colour, float by) =>
        new((byte)Math.Clamp(colour.R * by, 0, 255), (byte)Math.Clamp(colour.G * by, 0, 255), (byte)Math.Clamp(colour.B * by, 0, 255));

    private static Func<float, float, Colour> Flat(Colour colour) => (_, _) => colour;
}
