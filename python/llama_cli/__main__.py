"""python -m llama_cli: the program itself."""

from .program import main

if __name__ == "__main__":
    main()
