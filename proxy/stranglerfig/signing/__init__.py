"""Pure: the signatures on Fig-Force, Fig-Debug and Fig-Shadow. Time is an argument."""
