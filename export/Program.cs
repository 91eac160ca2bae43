using Vlm.Export;

return await Commands.Run(args, Console.Error);
