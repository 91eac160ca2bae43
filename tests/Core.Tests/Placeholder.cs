namespace Vlm.Core.Tests;
